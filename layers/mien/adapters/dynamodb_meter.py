"""The meter in a DynamoDB table: an item a key and month, a number for all calls and one an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mien.adapters.aws import Item, error_code, transact, unavailable
from mien.adapters.tables import TTL_ATTRIBUTE
from mien.domain.errors import Unavailable
from mien.domain.usage import Usage, month_after

KEPT = timedelta(days=3 * 365)

_ENDPOINT = "calls/"
_COUNTED = "once/"  # in the place of the month: a token whose call is counted


class DynamoDbMeter:
    """A Meter on one table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def take(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        if limit is not None and limit < 1:
            return None
        try:
            with unavailable("The meter"):
                answer = self._update(key_id, month, _one_more(month, endpoint, limit))
        except Unavailable as error:
            if error_code(error.__cause__) == "ConditionalCheckFailedException":
                return None
            raise
        return int(answer["Attributes"]["used"]["N"])

    def take_once(self, key_id: str, month: str, endpoint: str, limit: int | None, token: str) -> bool:
        if limit is not None and limit < 1:
            return False
        marker = _key(key_id, _COUNTED + token) | {TTL_ATTRIBUTE: _kept_after(month)}
        count = {"TableName": self._table, "Key": _key(key_id, month)} | _one_more(month, endpoint, limit)
        unmarked = {"TableName": self._table, "Item": marker, "ConditionExpression": "attribute_not_exists(key_id)"}
        refused = transact(self._client, "The meter", [{"Put": unmarked}, {"Update": count}])
        marked_before = refused[:1] == [True]
        return not refused or marked_before

    def give_back(self, key_id: str, month: str, endpoint: str) -> None:
        update: Item = {
            "UpdateExpression": "ADD used :less, #endpoint :less",
            "ExpressionAttributeNames": {"#endpoint": _ENDPOINT + endpoint},
            "ExpressionAttributeValues": {":less": {"N": "-1"}},
        }
        with unavailable("The meter"):
            self._update(key_id, month, update)

    def usage(self, key_id: str, month: str) -> Usage:
        with unavailable("The meter"):
            answer = self._client.get_item(TableName=self._table, Key=_key(key_id, month), ConsistentRead=True)
        return _usage(answer["Item"]) if "Item" in answer else Usage(key_id, month)

    def all(self, month: str) -> Iterator[Usage]:
        scan = {
            "FilterExpression": "#month = :month",
            "ExpressionAttributeNames": {"#month": "month"},
            "ExpressionAttributeValues": {":month": {"S": month}},
        }
        with unavailable("The meter"):
            for page in self._client.get_paginator("scan").paginate(TableName=self._table, **scan):
                yield from map(_usage, page["Items"])

    def close(self) -> None:
        self._client.close()

    def _update(self, key_id: str, month: str, update: Item) -> Item:
        key = _key(key_id, month)
        answer: Item = self._client.update_item(TableName=self._table, Key=key, ReturnValues="UPDATED_NEW", **update)
        return answer


def _one_more(month: str, endpoint: str, limit: int | None) -> Item:
    """The update that counts a call, if fewer than `limit` were."""
    update: Item = {
        "UpdateExpression": "ADD used :one, #endpoint :one SET #ttl = :ttl",
        "ExpressionAttributeNames": {"#endpoint": _ENDPOINT + endpoint, "#ttl": TTL_ATTRIBUTE},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":ttl": _kept_after(month)},
    }
    if limit is not None:
        update["ConditionExpression"] = "attribute_not_exists(used) OR used < :limit"
        update["ExpressionAttributeValues"][":limit"] = {"N": str(limit)}
    return update


def _kept_after(month: str) -> Item:
    return {"N": str(int((month_after(month) + KEPT).timestamp()))}


def _key(key_id: str, month: str) -> Item:
    return {"key_id": {"S": key_id}, "month": {"S": month}}


def _usage(item: Item) -> Usage:
    counted = {
        name.removeprefix(_ENDPOINT): int(value["N"]) for name, value in item.items() if name.startswith(_ENDPOINT)
    }
    by_endpoint = {endpoint: calls for endpoint, calls in counted.items() if calls}
    return Usage(item["key_id"]["S"], item["month"]["S"], int(item["used"]["N"]), by_endpoint)
