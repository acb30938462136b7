from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from mien.adapters.api_gateway_keys import ApiGatewayKeys
from mien.adapters.key_registries import LocalRegistry, open_registry
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.domain.errors import ConfigurationError, InvalidApiKey, KeyNotFound, Unavailable
from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from mien.domain.plans import PLANS, Feature
from mien.usecases.authorise import authorise
from mien.usecases.manage_keys import ManageKeys
from tests.contracts.gallery import FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteKeyStore]:
    store = SqliteKeyStore(tmp_path / "mien.sqlite")
    yield store
    store.close()


@pytest.fixture
def api(aws: None) -> tuple[Any, str]:
    """A REST API with a usage plan for every plan, and another API's."""
    client = boto3.client("apigateway")
    for name in ("mien", "other"):
        api_id = client.create_rest_api(name=name)["id"]
        root = client.get_resources(restApiId=api_id)["items"][0]["id"]
        client.put_method(restApiId=api_id, resourceId=root, httpMethod="GET", authorizationType="NONE")
        client.put_integration(restApiId=api_id, resourceId=root, httpMethod="GET", type="MOCK")
        client.create_deployment(restApiId=api_id, stageName="api")
        for plan in PLANS.values():
            stages = [{"apiId": api_id, "stage": "api"}]
            client.create_usage_plan(name=f"{name}-{plan.name}", description=plan.title, apiStages=stages)
    mien = next(found["id"] for found in client.get_rest_apis()["items"] if found["name"] == "mien")
    return client, mien


@pytest.fixture(params=["local", "api gateway"])
def manage(request: pytest.FixtureRequest, store: SqliteKeyStore, clock: FakeClock) -> ManageKeys:
    if request.param == "local":
        return ManageKeys(store, LocalRegistry(), clock)
    return ManageKeys(store, ApiGatewayKeys(*request.getfixturevalue("api")), clock)


def opens(manage: ManageKeys, secret: str) -> bool:
    try:
        return authorise(secret, manage.keys, manage.clock()).status is KeyStatus.ACTIVE
    except InvalidApiKey:
        return False


def test_a_new_key_opens_the_door_and_its_secret_is_kept_nowhere(manage: ManageKeys) -> None:
    key, secret = manage.create("a shop", "pro", without=[Feature.AGE])
    assert opens(manage, secret)
    assert key == manage.keys.find(hash_secret(secret))
    assert (key.plan, key.name, key.without) == ("pro", "a shop", {Feature.AGE})
    assert secret not in repr(list(manage.keys.all()))


def test_each_new_key_is_a_new_tenants_unless_one_is_named(manage: ManageKeys) -> None:
    first, _ = manage.create("a", "free")
    second, _ = manage.create("b", "free")
    third, _ = manage.create("c", "free", tenant=first.tenant)
    assert first.tenant != second.tenant
    assert third.tenant == first.tenant


def test_a_suspended_key_can_be_resumed_and_a_revoked_one_not(manage: ManageKeys) -> None:
    key, secret = manage.create("a", "free")
    manage.change(key.id, status=KeyStatus.SUSPENDED)
    assert not opens(manage, secret)
    manage.change(key.id, status=KeyStatus.ACTIVE)
    assert opens(manage, secret)
    manage.change(key.id, status=KeyStatus.REVOKED)
    manage.change(key.id, status=KeyStatus.ACTIVE)
    assert not opens(manage, secret)


def test_a_rotated_key_has_two_secrets_for_a_while_and_the_same_id(manage: ManageKeys, clock: FakeClock) -> None:
    key, old = manage.create("a", "basic", without=[Feature.EMOTION])
    clock.advance(days=3)
    rotated, new = manage.rotate(key.id, timedelta(hours=24))
    assert (rotated.id, rotated.tenant, rotated.plan, rotated.without) == (key.id, key.tenant, "basic", key.without)
    assert opens(manage, old)
    assert opens(manage, new)
    clock.advance(hours=24)
    assert not opens(manage, old)
    assert opens(manage, new)


def test_rotating_again_never_lengthens_the_life_of_an_old_secret(manage: ManageKeys, clock: FakeClock) -> None:
    key, first = manage.create("a", "basic")
    clock.advance(seconds=1)
    _, second = manage.rotate(key.id, timedelta(hours=1))
    clock.advance(minutes=30)
    _, third = manage.rotate(key.id, timedelta(hours=48))
    clock.advance(minutes=31)
    assert [opens(manage, secret) for secret in (first, second, third)] == [False, True, True]


def test_a_change_reaches_every_secret_of_a_key(manage: ManageKeys, clock: FakeClock) -> None:
    key, old = manage.create("a", "basic")
    clock.advance(seconds=1)
    _, new = manage.rotate(key.id, timedelta(hours=24))
    manage.change(key.id, plan="pro")
    assert {row.plan for row in manage.secrets_of(key.id)} == {"pro"}
    manage.change(key.id, status=KeyStatus.REVOKED)
    assert not opens(manage, old)
    assert not opens(manage, new)
    with pytest.raises(KeyNotFound):
        manage.rotate(key.id, timedelta(hours=1))


def test_a_key_that_is_not_there_is_told(manage: ManageKeys) -> None:
    with pytest.raises(KeyNotFound, match="key-none"):
        manage.change("key-none", plan="pro")


def plans_of(api: tuple[Any, str], key: ApiKey) -> list[str]:
    client, _ = api
    ids = [k["id"] for k in client.get_api_keys(includeValues=True)["items"] if k["value"] == key.key_hash]
    return [plan["name"] for id_ in ids for plan in client.get_usage_plans(keyId=id_)["items"]]


def test_api_gateway_knows_the_hash_under_the_keys_plan_and_no_other(
    api: tuple[Any, str], store: SqliteKeyStore, clock: FakeClock
) -> None:
    manage = ManageKeys(store, ApiGatewayKeys(*api), clock)
    key, secret = manage.create("a", "free")
    assert plans_of(api, key) == ["mien-free"]
    assert secret not in repr(api[0].get_api_keys(includeValues=True))
    manage.change(key.id, plan="pro")
    assert plans_of(api, key) == ["mien-pro"]
    manage.change(key.id, status=KeyStatus.REVOKED)
    assert plans_of(api, key) == []
    assert api[0].get_api_keys()["items"] == []


@pytest.mark.parametrize("broken", ["create_api_key", "create_usage_plan_key"])
def test_what_broke_off_lets_nobody_in_and_is_brought_in_step(
    api: tuple[Any, str], store: SqliteKeyStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    client, _ = api
    manage = ManageKeys(store, ApiGatewayKeys(*api), clock)
    kept, _ = manage.create("kept", "free")
    event = "".join(part.capitalize() for part in broken.split("_"))
    client.meta.events.register(f"after-call.apigateway.{event}", _break, unique_id="break")
    with pytest.raises(Unavailable):
        manage.create("half", "free")
    client.meta.events.unregister(f"after-call.apigateway.{event}", unique_id="break")
    assert [key.name for key in store.all()] == ["kept"]
    client.delete_api_key(apiKey=client.get_api_keys(nameQuery=kept.key_hash)["items"][0]["id"])
    assert manage.sync() == 1
    assert plans_of(api, kept) == ["mien-free"]
    assert manage.sync() == 1


def test_an_api_without_usage_plans_is_told(aws: None, store: SqliteKeyStore) -> None:
    client = boto3.client("apigateway")
    with pytest.raises(ConfigurationError, match="usage plan"):
        ManageKeys(store, ApiGatewayKeys(client, "none")).create("a", "free")


@pytest.mark.parametrize("address", ["", "apigateway:", "elsewhere"])
def test_a_registry_nobody_answers_to_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="API_ID"):
        open_registry(address)


def _break(**_: Any) -> None:
    from botocore.exceptions import EndpointConnectionError

    raise EndpointConnectionError(endpoint_url="https://apigateway")
