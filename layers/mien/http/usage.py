"""The body of GET /usage."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from mien.domain.plans import Plan
from mien.domain.prices import cost
from mien.domain.usage import Usage, month_after


class UsageBody(TypedDict):
    """What a key has used in a month. `limit` is null where there is none; the cost is AWS's list price, about."""

    status: Literal["success"]
    key_id: str
    plan: str
    month: Annotated[str, {"pattern": r"^20[0-9]{2}-[0-9]{2}$"}]
    used: Annotated[int, {"minimum": 0}]
    limit: int | None
    resets_at: Annotated[str, {"format": "date-time"}]
    endpoints: dict[str, int]
    estimated_cost_usd: float


def usage_body(plan: Plan, usage: Usage) -> UsageBody:
    """The answer of /usage."""
    return UsageBody(
        status="success",
        key_id=usage.key_id,
        plan=plan.name,
        month=usage.month,
        used=usage.used,
        limit=plan.calls_per_month,
        resets_at=month_after(usage.month).isoformat(),
        endpoints=dict(sorted(usage.by_endpoint.items())),
        estimated_cost_usd=round(cost(usage.by_endpoint), 6),
    )
