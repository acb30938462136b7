from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mien.domain.plans import PLANS, Plan
from mien.local.throttle import Throttle

FREE = PLANS["free"]


def test_a_burst_passes_and_then_the_rate() -> None:
    throttle = Throttle()
    assert [throttle.admits("a", FREE, 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert throttle.admits("a", FREE, 100.5)
    assert not throttle.admits("a", FREE, 100.5)
    assert [throttle.admits("a", FREE, 200.0) for _ in range(7)] == [True] * 5 + [False] * 2


def test_one_keys_calls_are_nothing_to_another() -> None:
    throttle = Throttle()
    assert not all(throttle.admits("a", FREE, 1.0) for _ in range(9))
    assert throttle.admits("b", FREE, 1.0)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200), st.integers(1, 50), st.integers(1, 20))
def test_in_no_stretch_of_time_pass_more_than_burst_and_rate_allow(gaps: list[float], rate: int, burst: int) -> None:
    throttle, plan = Throttle(), Plan("p", None, rate, burst)
    now, admitted = 0.0, []
    for gap in gaps:
        now += gap
        if throttle.admits("a", plan, now):
            admitted.append(now)
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= burst + rate * (admitted[last] - admitted[first]) + 1e-6
