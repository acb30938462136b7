"""The plans as API Gateway's usage plans: rate and burst, and a coarse guard of the quota."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from mien.domain.plans import PLANS, Plan

_MARGIN = 2
_FLOOR = 1000


class UsagePlans(Construct):
    """A usage plan for each plan; `ids` is by the plan's name."""

    def __init__(self, scope: Construct, id: str, *, api: apigateway.RestApi) -> None:
        super().__init__(scope, id)
        self.ids = {plan.name: self._usage_plan(plan, api).usage_plan_id for plan in PLANS.values()}

    def _usage_plan(self, plan: Plan, api: apigateway.RestApi) -> apigateway.UsagePlan:
        return apigateway.UsagePlan(
            self,
            plan.name.title(),
            description=plan.title,
            throttle=apigateway.ThrottleSettings(rate_limit=plan.calls_per_second, burst_limit=plan.burst),
            quota=_guard(plan),
            api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
        )


def _guard(plan: Plan) -> apigateway.QuotaSettings | None:
    """API Gateway also counts the calls that it or a function refuses, and only best effort; the exact quota is the
    function's. So this one is set where only a flood of refused calls comes.
    """
    if plan.calls_per_month is None:
        return None
    return apigateway.QuotaSettings(limit=_MARGIN * plan.calls_per_month + _FLOOR, period=apigateway.Period.MONTH)
