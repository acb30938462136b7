from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from mien.domain.errors import NoFace, QuotaExceeded, Unavailable
from mien.domain.keys import KeyStatus
from mien.domain.plans import PLANS, Feature, Plan
from mien.domain.prices import WORK, batch_cost, cost
from mien.domain.usage import Usage, month_after, month_of
from mien.http.caller import Caller
from mien.http.features import FIELDS_OF, leave_out
from mien.http.metering import Metering
from mien.http.routes import ROUTES
from mien.http.schemas import FaceBody

NOW = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


class FakeMeter:
    """A meter in a dictionary."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], int] = {}

    def take(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        used = self.used.get((key_id, month), 0)
        if limit is not None and used >= limit:
            return None
        self.used[key_id, month] = used + 1
        return used + 1

    def give_back(self, key_id: str, month: str, endpoint: str) -> None:
        self.used[key_id, month] -= 1

    def usage(self, key_id: str, month: str) -> Usage:
        return Usage(key_id, month, self.used.get((key_id, month), 0))

    def all(self, month: str) -> Any:
        return iter(())

    def close(self) -> None:
        pass


class DeadMeter(FakeMeter):
    def take(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        raise Unavailable


def caller(plan: str = "free") -> Caller:
    return Caller("tenant-1", "key-1", PLANS[plan], KeyStatus.ACTIVE, frozenset())


def answered() -> Response[Any]:
    return Response(200, body={})


def raising(error: Exception) -> Callable[[], Response[Any]]:
    def fail() -> Response[Any]:
        raise error

    return fail


def test_an_answer_says_what_is_used_and_when_the_month_ends() -> None:
    response = Metering(FakeMeter(), clock=lambda: NOW)(caller(), "e", answered)
    assert response.headers == {
        "x-usage-used": "1",
        "x-usage-limit": "100",
        "x-usage-reset": "2027-01-01T00:00:00Z",
    }
    assert Metering(FakeMeter())(caller("unlimited"), "e", answered).headers["x-usage-limit"] == "unlimited"


@pytest.mark.parametrize("error", [NoFace("no face"), RuntimeError("a bug"), KeyboardInterrupt()])
def test_a_call_that_fails_is_not_billed(error: Exception) -> None:
    meter = FakeMeter()
    with pytest.raises(type(error)):
        Metering(meter, clock=lambda: NOW)(caller(), "e", raising(error))
    assert meter.usage("key-1", "2026-12").used == 0


def test_a_failure_is_told_also_when_it_cannot_be_taken_off() -> None:
    class Forgetful(FakeMeter):
        def give_back(self, key_id: str, month: str, endpoint: str) -> None:
            raise Unavailable

    with pytest.raises(NoFace):
        Metering(Forgetful())(caller(), "e", raising(NoFace("no face")))


def test_the_call_after_the_last_is_refused_and_not_answered() -> None:
    metering = Metering(FakeMeter(), clock=lambda: NOW)
    for _ in range(100):
        metering(caller(), "e", answered)
    with pytest.raises(QuotaExceeded) as refused:
        metering(caller(), "e", raising(AssertionError("answered")))
    assert (refused.value.used, refused.value.limit) == (100, 100)


def test_a_new_month_starts_at_nothing() -> None:
    meter = FakeMeter()
    for _ in range(100):
        Metering(meter, clock=lambda: NOW)(caller(), "e", answered)
    later = Metering(meter, clock=lambda: month_after(month_of(NOW)))
    assert later(caller(), "e", answered).headers["x-usage-used"] == "1"


def test_while_the_meter_is_silent_calls_are_refused_or_pass_as_was_chosen() -> None:
    with pytest.raises(Unavailable):
        Metering(DeadMeter())(caller(), "e", answered)
    assert Metering(DeadMeter(), fails_open=True)(caller(), "e", answered).headers == {}


@pytest.mark.parametrize(("month", "after"), [("2026-11", "2026-12-01"), ("2026-12", "2027-01-01")])
def test_a_month_ends_where_the_next_begins(month: str, after: str) -> None:
    assert month_after(month).date().isoformat() == after


def test_the_month_is_that_of_greenwich() -> None:
    assert month_of(datetime.fromisoformat("2026-12-01T01:00:00+02:00")) == "2026-11"


def test_every_metered_endpoint_has_a_price_and_costs_about_a_cent_per_thousand() -> None:
    assert {route.name for route in ROUTES if route.metered} == set(WORK)
    assert 0.005 < cost({"face_analytics": 1000}) < 0.015
    assert 0.01 < cost({"uploads": 1000}) < batch_cost(1000)


def test_every_field_that_can_be_left_out_is_a_field() -> None:
    for feature in Feature:
        assert FIELDS_OF[feature] <= FaceBody.__annotations__.keys()


def test_what_is_switched_off_is_left_out_wherever_it_stands() -> None:
    face = {"age": 1, "age_range": {"low": 0}, "gender": "male", "emotion": {"value": "happy"}, "bbox": {}}
    body = {"faces": [face], "face1_analysis": face, "status": "success"}
    assert leave_out(body, {Feature.AGE, Feature.EMOTION}) == {
        "faces": [{"gender": "male", "bbox": {}}],
        "face1_analysis": {"gender": "male", "bbox": {}},
        "status": "success",
    }
    assert leave_out(body, ()) is body


def test_a_plan_can_switch_features_off_for_all_its_keys() -> None:
    plan = Plan("careful", None, 1, 1, frozenset({Feature.EMOTION}))
    assert Caller("t", "k", plan, KeyStatus.ACTIVE, plan.without).context()["without"] == "emotion"


def test_a_photo_of_a_back_catalogue_costs_about_three_cents_a_thousand() -> None:
    assert batch_cost(0) == 0
    assert batch_cost(1000) == pytest.approx(0.03, rel=0.1)
    assert batch_cost(1) > batch_cost(1000) / 1000  # a batch that is not full
