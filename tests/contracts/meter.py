from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.domain.usage import Usage
from mien.ports.meter import Meter

MONTH = "2026-11"


class MeterContract:
    """Subclass and provide fixtures: `meter`, and `open_again`, which opens the same store."""

    def test_calls_are_counted_by_key_month_and_endpoint(self, meter: Meter) -> None:
        assert meter.take("a", MONTH, "face_analytics", None) == 1
        assert meter.take("a", MONTH, "face_liveness", None) == 2
        assert meter.take("a", MONTH, "face_analytics", 10) == 3
        assert meter.take("a", "2026-12", "face_analytics", 10) == 1
        assert meter.take("b", MONTH, "face_analytics", 10) == 1
        assert meter.usage("a", MONTH) == Usage("a", MONTH, 3, {"face_analytics": 2, "face_liveness": 1})
        assert sorted(usage.key_id for usage in meter.all(MONTH)) == ["a", "b"]

    def test_of_a_key_that_never_called_nothing_is_counted(self, meter: Meter) -> None:
        assert meter.usage("nobody", MONTH) == Usage("nobody", MONTH, 0, {})
        assert list(meter.all(MONTH)) == []

    def test_no_call_passes_the_limit_and_a_refused_one_is_not_counted(self, meter: Meter) -> None:
        taken = [meter.take("a", MONTH, "e", 3) for _ in range(5)]
        assert taken == [1, 2, 3, None, None]
        assert meter.usage("a", MONTH) == Usage("a", MONTH, 3, {"e": 3})
        assert meter.take("a", MONTH, "e", 4) == 4
        assert meter.take("fresh", MONTH, "e", 0) is None

    def test_a_call_given_back_can_be_taken_again(self, meter: Meter) -> None:
        meter.take("a", MONTH, "e", 1)
        assert meter.take("a", MONTH, "e", 1) is None
        meter.give_back("a", MONTH, "e")
        assert meter.usage("a", MONTH) == Usage("a", MONTH, 0, {})
        assert meter.take("a", MONTH, "e", 1) == 1

    def test_a_call_with_a_token_is_counted_once(self, meter: Meter) -> None:
        assert [meter.take_once("a", MONTH, "uploads", 2, "photo-1") for _ in range(3)] == [True] * 3
        assert meter.take_once("a", "2026-12", "uploads", 2, "photo-1")
        assert meter.take_once("b", MONTH, "uploads", 2, "photo-1")
        assert meter.usage("a", MONTH) == Usage("a", MONTH, 1, {"uploads": 1})
        assert meter.usage("a", "2026-12").used == 0
        assert sorted(usage.key_id for usage in meter.all(MONTH)) == ["a", "b"]

    def test_a_call_with_a_token_passes_no_limit_but_stays_counted(self, meter: Meter) -> None:
        assert meter.take_once("a", MONTH, "uploads", 1, "photo-1")
        assert not meter.take_once("a", MONTH, "uploads", 1, "photo-2")
        assert meter.take_once("a", MONTH, "uploads", 1, "photo-1")
        assert not meter.take_once("a", MONTH, "uploads", 0, "photo-3")
        assert meter.take_once("a", MONTH, "uploads", 2, "photo-2")
        assert meter.usage("a", MONTH).used == 2

    def test_of_many_deliveries_of_one_token_at_once_one_is_counted(
        self, meter: Meter, open_again: Callable[[], Meter]
    ) -> None:
        meters = [open_again() for _ in range(8)]
        with ThreadPoolExecutor(len(meters)) as pool:
            taken = list(pool.map(lambda meter: meter.take_once("a", MONTH, "uploads", 100, "photo"), meters))
        assert taken == [True] * 8
        assert meter.usage("a", MONTH).used == 1

    def test_of_many_calls_at_once_exactly_as_many_pass_as_there_are(
        self, meter: Meter, open_again: Callable[[], Meter]
    ) -> None:
        meters = [open_again() for _ in range(8)]
        with ThreadPoolExecutor(len(meters)) as pool:
            taken = pool.map(lambda meter: [meter.take("a", MONTH, "e", 100) for _ in range(25)], meters)
            numbers = [number for part in taken for number in part]
        assert sorted(number for number in numbers if number is not None) == list(range(1, 101))
        assert numbers.count(None) == 100
        assert meter.usage("a", MONTH).used == 100

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(st.lists(st.tuples(st.booleans(), st.sampled_from("ef")), max_size=30), st.integers(0, 2**60))
    def test_any_history_counts_as_a_counter_would(
        self, meter: Meter, history: list[tuple[bool, str]], run: int
    ) -> None:
        key, model = f"key-{run}-{len(list(meter.all(MONTH)))}", Counter[str]()
        for take, endpoint in history:
            if take:
                number = meter.take(key, MONTH, endpoint, 10)
                assert number == (None if model.total() == 10 else model.total() + 1)
                model[endpoint] += number is not None
            elif model[endpoint]:
                meter.give_back(key, MONTH, endpoint)
                model[endpoint] -= 1
        assert meter.usage(key, MONTH) == Usage(key, MONTH, model.total(), {e: n for e, n in model.items() if n})
