"""API Gateway's own list of keys: the value of each is the hash of a secret, its usage plan that of its plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from mien.adapters.aws import Item, unavailable
from mien.domain.errors import ConfigurationError
from mien.domain.keys import ApiKey
from mien.domain.plans import PLANS


class ApiGatewayKeys:
    """A KeyRegistry on one REST API. `client` is a boto3 API Gateway client.

    A usage plan is known by its description, which is our plan's title, and by covering this API.
    """

    def __init__(self, client: Any, api_id: str) -> None:
        self._client, self._api_id = client, api_id

    def put(self, key: ApiKey) -> None:
        wanted = self._usage_plans[key.plan]
        with unavailable("API Gateway"):
            key_id = self._id_of(key.key_hash) or self._create(key)
            held = {plan["id"] for plan in self._pages("get_usage_plans", keyId=key_id)}
            for plan in held & set(self._usage_plans.values()) - {wanted}:
                self._client.delete_usage_plan_key(usagePlanId=plan, keyId=key_id)
            if wanted not in held:
                self._client.create_usage_plan_key(usagePlanId=wanted, keyId=key_id, keyType="API_KEY")

    def remove(self, key_hash: str) -> None:
        with unavailable("API Gateway"):
            key_id = self._id_of(key_hash)
            if key_id is not None:
                self._client.delete_api_key(apiKey=key_id)

    def known(self) -> Iterable[str]:
        with unavailable("API Gateway"):
            return {
                key["value"]
                for plan in self._usage_plans.values()
                for key in self._pages("get_usage_plan_keys", usagePlanId=plan)
            }

    @cached_property
    def _usage_plans(self) -> dict[str, str]:
        """The ids of this API's usage plans, by the names of our plans. Raises ConfigurationError, Unavailable."""
        names = {plan.title: plan.name for plan in PLANS.values()}
        found: dict[str, str] = {}
        with unavailable("API Gateway"):
            for plan in self._pages("get_usage_plans"):
                covers = any(stage["apiId"] == self._api_id for stage in plan.get("apiStages", []))
                if covers and plan.get("description") in names:
                    found[names[plan["description"]]] = plan["id"]
        missing = PLANS.keys() - found.keys()
        if missing:
            raise ConfigurationError(f"The API {self._api_id} has no usage plan for {', '.join(sorted(missing))}.")
        return found

    def _create(self, key: ApiKey) -> str:
        answer = self._client.create_api_key(
            name=key.key_hash, description=f"{key.id}: {key.name}", value=key.key_hash, enabled=True
        )
        return str(answer["id"])

    def _id_of(self, key_hash: str) -> str | None:
        """API Gateway finds keys by name only, so the hash is a key's name too."""
        return next((key["id"] for key in self._pages("get_api_keys", nameQuery=key_hash)), None)

    def _pages(self, operation: str, **parameters: Any) -> Iterator[Item]:
        for page in self._client.get_paginator(operation).paginate(**parameters):
            yield from page["items"]
