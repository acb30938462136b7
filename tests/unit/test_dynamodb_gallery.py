from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mien.adapters.dynamodb_gallery import PARTITIONS, DynamoDbGallery, item_bytes, templates_item
from mien.domain.errors import Unavailable
from mien.domain.gallery import Action
from tests.contracts.gallery import HERE, START, FakeClock, GalleryContract, delete, enrol, loaded, person, receipt
from tests.unit.conftest import TABLE, OneCallAtATime


@pytest.fixture
def client(dynamodb: Any) -> Any:
    return dynamodb


@pytest.fixture
def calls(client: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every call that reaches DynamoDB, with its parameters."""
    seen: list[tuple[str, dict[str, Any]]] = []
    client.meta.events.register(
        "provide-client-params.dynamodb.*", lambda params, model, **_: seen.append((model.name, params))
    )
    return seen


def losing_the_answer(client: Any, operation: str) -> Callable[[], int]:
    """Let the next call of an operation be done, and its answer be lost, as when a connection breaks."""
    lost = 0

    def lose(**_: Any) -> None:
        nonlocal lost
        if not lost:
            lost += 1
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

    client.meta.events.register(f"after-call.dynamodb.{operation}", lose)
    return lambda: lost


class TestDynamoDbGallery(GalleryContract):
    @pytest.fixture
    def open_again(self, client: Any, clock: FakeClock) -> Callable[[], DynamoDbGallery]:
        isolated = OneCallAtATime(client)
        return lambda: DynamoDbGallery(isolated, TABLE, clock)

    @pytest.fixture
    def gallery(self, open_again: Callable[[], DynamoDbGallery]) -> DynamoDbGallery:
        return open_again()

    def test_a_write_whose_answer_was_lost_can_be_written_again(self, gallery: DynamoDbGallery, client: Any) -> None:
        new, entry = person("jane"), receipt(Action.REGISTERED, "jane")
        lost = losing_the_answer(client, "TransactWriteItems")
        with pytest.raises(Unavailable):
            gallery.swap(HERE, entry, None, new)
        assert lost()
        assert gallery.find(HERE, "jane") == new.subject
        assert gallery.swap(HERE, entry, None, new)

    def test_a_refused_transaction_writes_none_of_its_items(self, gallery: DynamoDbGallery, client: Any) -> None:
        enrol(gallery, person("jane"))
        before = client.scan(TableName=TABLE)["Items"]
        assert not gallery.swap(HERE, receipt(Action.REGISTERED, "jane"), None, person("jane", 3, seed=9))
        assert client.scan(TableName=TABLE)["Items"] == before

    def test_a_conflict_with_another_change_is_tried_again(self, gallery: DynamoDbGallery, client: Any) -> None:
        conflicts = [True, True, False]
        client.meta.events.register(
            "before-call.dynamodb.TransactWriteItems", lambda **_: _conflict() if conflicts.pop(0) else None
        )
        enrol(gallery, person("jane"))
        assert not conflicts

    def test_a_vector_takes_at_most_600_bytes_at_rest(self, gallery: DynamoDbGallery, client: Any) -> None:
        uid = "person-000000001"
        enrol(gallery, person(uid, expires_at=START, space="faceplugin-embedding@01234567"))
        (item,) = (item for item in client.scan(TableName=TABLE)["Items"] if "t" in item)
        assert item_bytes(item) <= 600
        enrol(gallery, person("with twenty", 20, space="faceplugin-embedding@01234567"))
        (item,) = (item for item in client.scan(TableName=TABLE)["Items"] if len(item.get("t", {"B": b""})["B"]) > 600)
        assert item_bytes(item) / 20 <= 525

    def test_a_cold_load_reads_the_partitions_side_by_side_and_nothing_but_templates(
        self, gallery: DynamoDbGallery, client: Any, calls: list[Any]
    ) -> None:
        for number in range(40):
            enrol(gallery, person(f"person {number}", metadata="m" * 2000))
        calls.clear()
        assert len(loaded(gallery)) == 40
        assert [name for name, _ in calls] == ["Query"] * PARTITIONS
        assert len({bytes(call["ExpressionAttributeValues"][":pk"]["B"]) for _, call in calls}) == PARTITIONS
        assert not any(call["ConsistentRead"] for _, call in calls)

    def test_a_change_is_one_transaction_and_a_look_for_changes_one_query(
        self, gallery: DynamoDbGallery, calls: list[Any]
    ) -> None:
        subject = enrol(gallery, person("jane"))
        assert delete(gallery, subject)
        assert [name for name, _ in calls] == ["TransactWriteItems"] * 2
        calls.clear()
        gallery.receipts(HERE, START)
        assert [name for name, _ in calls] == ["Query"]
        assert calls[0][1]["ConsistentRead"] is True

    def test_no_item_holds_tenant_or_collection_in_clear(self, gallery: DynamoDbGallery, client: Any) -> None:
        enrol(gallery, person("jane"))
        text = json.dumps(client.scan(TableName=TABLE)["Items"], default=repr)
        assert HERE.tenant not in text


def test_a_table_that_does_not_answer_is_unavailable(client: Any) -> None:
    gallery = DynamoDbGallery(client, "no-such-table")
    with pytest.raises(Unavailable, match="gallery"):
        gallery.find(HERE, "jane")
    with pytest.raises(Unavailable):
        loaded(gallery)


def test_a_cold_load_reads_as_many_pages_and_units_as_its_items_weigh(client: Any, calls: list[Any]) -> None:
    """moto breaks pages at 1 MB as DynamoDB does."""
    items = [templates_item(HERE, person(f"p{n}", 20, seed=n % 7).templates) for n in range(1000)]
    for item in items:
        client.put_item(TableName=TABLE, Item=item)
    calls.clear()
    assert len(loaded(DynamoDbGallery(client, TABLE))) == 1000
    weights = Counter[bytes]()
    for item in items:
        weights[item["pk"]["B"]] += item_bytes(item)
    assert len(weights) == PARTITIONS
    expected = sum(-(-weight // (1024 * 1024)) for weight in weights.values())
    assert PARTITIONS < expected == len(calls)


def _conflict() -> None:
    response = {
        "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
    }
    raise ClientError(response, "TransactWriteItems")
