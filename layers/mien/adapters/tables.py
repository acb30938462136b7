"""The DynamoDB tables, in the words of its CreateTable; the stack and the tests make them so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

TTL_ATTRIBUTE = "ttl"
"""In every table: seconds since 1970, after which DynamoDB removes an item within days."""

Kind = Literal["S", "B", "N"]


Key = tuple[str, Kind]


@dataclass(frozen=True, slots=True)
class Index:
    """Another order of a table's items, of those that have both keys."""

    name: str
    partition_key: Key
    sort_key: Key


@dataclass(frozen=True, slots=True)
class Table:
    """Names and types of the partition key and, where there is one, of the sort key."""

    partition_key: Key
    sort_key: Key | None = None
    index: Index | None = None

    @property
    def schema(self) -> Mapping[str, Any]:
        """The arguments of CreateTable that say how items are found."""
        keys = [self.partition_key] + ([self.sort_key] if self.sort_key else [])
        schema: dict[str, Any] = {"KeySchema": _key_schema(keys)}
        if self.index is not None:
            indexed = [self.index.partition_key, self.index.sort_key]
            keys += [key for key in indexed if key not in keys]
            schema["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": self.index.name,
                    "KeySchema": _key_schema(indexed),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ]
        return schema | {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in keys]
        }


def _key_schema(keys: Sequence[Key]) -> list[dict[str, str]]:
    roles = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": role} for (name, _), role in zip(keys, roles, strict=False)]


GALLERY = Table(("pk", "B"), ("sk", "S"))
KEYS = Table(("key_hash", "S"))
METER = Table(("key_id", "S"), ("month", "S"))
UPLOADS = Table(("tenant", "S"), ("id", "S"), Index("by_time", ("tenant", "S"), ("finished", "S")))
