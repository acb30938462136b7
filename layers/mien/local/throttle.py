"""How many calls a second a key may make: a token bucket a key, as API Gateway has."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from mien.domain.plans import Plan

REMEMBERED_KEYS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Throttle:
    """Buckets that hold a plan's burst and fill at its rate."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def admits(self, key: str, plan: Plan, now: float) -> bool:
        """Whether there is a token for one more call; it is taken. `now` is in seconds and never falls."""
        bucket = self._buckets.pop(key, None) or _Bucket(plan.burst, now)
        bucket.tokens = min(plan.burst, bucket.tokens + (now - bucket.filled_at) * plan.calls_per_second)
        bucket.filled_at = now
        self._buckets[key] = bucket
        if len(self._buckets) > REMEMBERED_KEYS:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
