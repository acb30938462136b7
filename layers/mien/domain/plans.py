"""The plans: what a key may use. Who has which plan is the key store's business."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mien.domain.errors import QuotaExceeded


class Feature(StrEnum):
    """What can be switched off, for a plan or for a key, where law or conscience asks for it."""

    AGE = "age"
    GENDER = "gender"
    EMOTION = "emotion"
    IDENTIFICATION = "identification"


@dataclass(frozen=True, slots=True)
class Plan:
    """`calls_per_month` in UTC calendar months, None for no quota; rate and burst as in a token bucket; the features
    that no key of the plan has.
    """

    name: str
    calls_per_month: int | None
    calls_per_second: int
    burst: int
    without: frozenset[Feature] = frozenset()

    @property
    def title(self) -> str:
        """How API Gateway's usage plan for it is described, by which it is found again."""
        return f"Mien: {self.name}"

    def exceeded(self, used: int | None) -> QuotaExceeded:
        """What is said to a key that has used up its month."""
        limit = self.calls_per_month
        return QuotaExceeded(f"The plan {self.name} has {limit} calls a month.", used, limit)


PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", calls_per_month=100, calls_per_second=2, burst=5),
        Plan("basic", calls_per_month=10_000, calls_per_second=10, burst=20),
        Plan("pro", calls_per_month=250_000, calls_per_second=50, burst=100),
        Plan("unlimited", calls_per_month=None, calls_per_second=200, burst=400),
    )
}

ANONYMOUS = Plan("anonymous", calls_per_month=None, calls_per_second=5, burst=20)
"""No key has it: what callers of a route that needs none share, all of them together."""
