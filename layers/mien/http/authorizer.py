"""The answer of a REQUEST authorizer: may this key call, and what should the function know of it."""

from __future__ import annotations

from typing import Any

from mien.domain.errors import InvalidApiKey
from mien.domain.keys import ApiKey
from mien.domain.plans import PLANS
from mien.http.caller import Caller
from mien.http.wire import KEY_HEADER
from mien.ports.clock import Clock, utc_now
from mien.ports.key_store import KeyStore
from mien.usecases.authorise import authorise


def authorizer_answer(event: dict[str, Any], keys: KeyStore, clock: Clock = utc_now) -> dict[str, Any]:
    """Allow or Deny for an API Gateway REQUEST authorizer event.

    The policy covers the whole stage, because API Gateway reuses it for the key's other calls while it is cached.
    A key that is not good is denied rather than raised on, because only a denial is cached.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    stage = "/".join(event["methodArn"].split("/", 2)[:2]) + "/*"
    try:
        key = authorise(headers.get(KEY_HEADER, ""), keys, clock())
    except InvalidApiKey:
        return {"principalId": "unknown", "policyDocument": _policy("Deny", stage)}
    return _allow(key, stage)


def _allow(key: ApiKey, stage: str) -> dict[str, Any]:
    return {
        "principalId": key.key_hash,
        "usageIdentifierKey": key.key_hash,
        "policyDocument": _policy("Allow", stage),
        "context": Caller(key.tenant, key.id, PLANS[key.plan], key.status, key.switched_off).context(),
    }


def _policy(effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}
