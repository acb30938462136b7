"""A short soak of the running server, and what a soak calls a failure."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import soak
from bench.soak import MAX_GROWTH, Call, Client, Known, Outcome, growth, report
from mien.http import routes
from tests.functional.servers import Server


def test_every_answer_of_a_mixed_crowd_is_the_right_one(server: Server) -> None:
    outcomes, megabytes, _ = soak.soak(server, calls=200, clients=4)
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    assert len(outcomes) == 200
    statuses = Counter(outcome.status for outcome in outcomes)
    assert statuses.keys() >= {200, 401, 404, 413, 415, 422}
    assert len(megabytes) == 40
    assert min(megabytes) > 100  # the networks are in it


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server, 99, Known({}, {}, {}), lambda: None)


@pytest.mark.parametrize(
    ("call", "status", "body"),
    [
        (Call("GET", "/", (200,)), 500, {}),
        (Call("GET", "/", (422,)), 200, {}),
        (Call("GET", "/", (200,), {}, lambda body: body == {"faces": []}), 200, {"faces": [1]}),
    ],
)
def test_another_status_or_body_than_the_right_one_is_a_problem(client: Client, call: Call, status, body) -> None:
    assert client._judge(call, status, body)


def test_usage_must_be_what_the_client_was_billed(client: Client) -> None:
    call = client._usage()
    assert not client._judge(call, 200, {"used": 0})
    client._judge(Call("POST", routes.FACE_ANALYTICS.url_path, (200,), billed=True), 200, {})
    assert client._judge(client._usage(), 200, {"used": 0})
    assert not client._judge(client._usage(), 200, {"used": 1})


def test_memory_that_climbs_after_the_warm_up_is_told_from_memory_that_is_flat() -> None:
    start = [100.0, 900.0, 1000.0, 1000.0]  # of which the warm-up is left out
    flat = [*start, *[1000.0, 1004.0, 998.0] * 2]
    climbing = [*start, *[1000.0 + 10 * step for step in range(6)]]
    assert growth(flat) <= MAX_GROWTH < growth(climbing)


def test_the_figures_count_what_was_lost_and_what_failed() -> None:
    outcomes = [Outcome("usage", 200, 10.0)] * 97 + [
        Outcome("usage", 0, 5.0, "no answer"),
        Outcome("usage", 502, 5.0, "502"),
        Outcome(soak.HUNG_UP, 0, 0.0),
    ]
    figures = report(outcomes, [100.0] * 10, 2.0)
    assert (figures["requests"], figures["unanswered"], figures["5xx"], figures["wrong"]) == (100, 1, 1, 2)
    assert figures["hung up on"] == 1
    assert figures["answers by status"] == {"200": 97, "502": 1}
    assert figures["requests a second"] == 50
