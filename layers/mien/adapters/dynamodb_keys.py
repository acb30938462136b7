"""API keys in a DynamoDB table, by the hash of their secret."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mien.adapters.aws import Item, unavailable
from mien.adapters.tables import TTL_ATTRIBUTE
from mien.domain.keys import ApiKey, KeyStatus
from mien.domain.plans import Feature

_SHOWN_AFTERWARDS = timedelta(days=30)


class DynamoDbKeyStore:
    """A KeyStore on one table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def find(self, key_hash: str) -> ApiKey | None:
        if not key_hash:
            return None  # DynamoDB has no empty keys
        with unavailable("The key store"):
            answer = self._client.get_item(TableName=self._table, Key={"key_hash": {"S": key_hash}})
        return _key(answer["Item"]) if "Item" in answer else None

    def put(self, key: ApiKey) -> None:
        with unavailable("The key store"):
            self._client.put_item(TableName=self._table, Item=_item(key))

    def all(self) -> Iterator[ApiKey]:
        with unavailable("The key store"):
            for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
                yield from map(_key, page["Items"])

    def close(self) -> None:
        self._client.close()


def _item(key: ApiKey) -> Item:
    texts = {
        "key_hash": key.key_hash,
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "plan": key.plan,
        "status": key.status.value,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else "",
    }
    item: Item = {name: {"S": text} for name, text in texts.items()}
    item["without"] = {"L": [{"S": feature.value} for feature in sorted(key.without)]}
    if key.expires_at:
        item[TTL_ATTRIBUTE] = {"N": str(int((key.expires_at + _SHOWN_AFTERWARDS).timestamp()))}
    return item


def _key(item: Item) -> ApiKey:
    expires = item["expires_at"]["S"]
    return ApiKey(
        key_hash=item["key_hash"]["S"],
        id=item["id"]["S"],
        tenant=item["tenant"]["S"],
        name=item["name"]["S"],
        plan=item["plan"]["S"],
        status=KeyStatus(item["status"]["S"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        expires_at=datetime.fromisoformat(expires) if expires else None,
        without=frozenset(Feature(feature["S"]) for feature in item["without"]["L"]),
    )
