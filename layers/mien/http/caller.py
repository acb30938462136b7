"""Who is calling, as the authorizer found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.domain.errors import InternalError
from mien.domain.keys import KeyStatus
from mien.domain.plans import PLANS, Feature, Plan


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose data a request may touch, by which key, and what the key may not have."""

    tenant: str
    key_id: str
    plan: Plan
    status: KeyStatus
    without: frozenset[Feature]

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Caller:
        """From the authorizer's context. Raises InternalError when it lacks something."""
        try:
            return cls(
                tenant=context["tenant"],
                key_id=context["key_id"],
                plan=PLANS[context["plan"]],
                status=KeyStatus(context["status"]),
                without=frozenset(map(Feature, context["without"].split())),
            )
        except (KeyError, ValueError):
            raise InternalError("The authorizer did not say who is calling.") from None

    def context(self) -> dict[str, str]:
        """For the authorizer to say: API Gateway carries texts only."""
        return {
            "tenant": self.tenant,
            "key_id": self.key_id,
            "plan": self.plan.name,
            "status": self.status.value,
            "without": " ".join(sorted(self.without)),
        }
