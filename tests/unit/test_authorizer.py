from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mien.domain.keys import ApiKey, KeyStatus, hash_secret, new_secret
from mien.domain.plans import Feature
from mien.http.authorizer import authorizer_answer

ARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/api/POST/v1/face_analytics"
SECRET = new_secret()
KEY = ApiKey(
    hash_secret(SECRET), "key-1", "tenant-1", "test", "free", KeyStatus.ACTIVE, datetime(2026, 1, 1, tzinfo=UTC)
)


class Keys:
    """A key store in a dictionary."""

    def __init__(self, *keys: ApiKey) -> None:
        self._keys = {key.key_hash: key for key in keys}

    def find(self, key_hash: str) -> ApiKey | None:
        return self._keys.get(key_hash)

    def put(self, key: ApiKey) -> None:
        self._keys[key.key_hash] = key

    def all(self) -> Iterator[ApiKey]:
        yield from self._keys.values()

    def close(self) -> None:
        pass


NOW = datetime(2026, 11, 21, tzinfo=UTC)


def ask(headers: dict[str, str] | None, *keys: ApiKey) -> dict[str, Any]:
    event = {"type": "REQUEST", "methodArn": ARN, "headers": headers}
    return authorizer_answer(event, Keys(*keys), clock=lambda: NOW)


def effect(answer: dict[str, Any]) -> str:
    return answer["policyDocument"]["Statement"][0]["Effect"]


@pytest.mark.parametrize("name", ["x-key-secret", "X-Key-Secret"])
def test_a_good_key_is_let_through_with_its_plan(name: str) -> None:
    answer = ask({name: SECRET}, KEY)
    assert effect(answer) == "Allow"
    assert answer["usageIdentifierKey"] == KEY.key_hash
    assert answer["context"] == {
        "tenant": "tenant-1",
        "key_id": "key-1",
        "plan": "free",
        "status": "active",
        "without": "",
    }


def test_the_policy_covers_the_whole_stage_because_it_is_cached() -> None:
    resource = ask({"x-key-secret": SECRET}, KEY)["policyDocument"]["Statement"][0]["Resource"]
    assert resource == "arn:aws:execute-api:eu-west-1:123456789012:abc/api/*"


@pytest.mark.parametrize("headers", [None, {}, {"x-key-secret": ""}, {"x-key-secret": "wrong"}, {"x-api-key": SECRET}])
def test_no_key_or_a_wrong_one_is_denied(headers: dict[str, str] | None) -> None:
    answer = ask(headers, KEY)
    assert effect(answer) == "Deny"
    assert "context" not in answer


def test_the_hash_of_a_key_is_not_a_key() -> None:
    assert effect(ask({"x-key-secret": KEY.key_hash}, KEY)) == "Deny"


def test_a_revoked_key_is_denied() -> None:
    assert effect(ask({"x-key-secret": SECRET}, replace(KEY, status=KeyStatus.REVOKED))) == "Deny"


@pytest.mark.parametrize(("seconds", "said"), [(1, "Allow"), (0, "Deny"), (-1, "Deny")])
def test_a_secret_that_was_rotated_away_opens_until_its_end(seconds: int, said: str) -> None:
    assert effect(ask({"x-key-secret": SECRET}, replace(KEY, expires_at=NOW + timedelta(seconds=seconds)))) == said


def test_what_is_switched_off_is_said() -> None:
    answer = ask({"x-key-secret": SECRET}, replace(KEY, without=frozenset({Feature.GENDER, Feature.AGE})))
    assert answer["context"]["without"] == "age gender"


def test_a_suspended_key_is_passed_on_for_the_function_to_refuse() -> None:
    answer = ask({"x-key-secret": SECRET}, replace(KEY, status=KeyStatus.SUSPENDED))
    assert answer["context"]["status"] == "suspended"


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert min(map(len, secrets)) >= 32


def test_a_key_needs_a_plan_that_exists() -> None:
    with pytest.raises(ValueError, match="platinum"):
        replace(KEY, plan="platinum")
