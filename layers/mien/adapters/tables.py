"""The DynamoDB tables, in the words of its CreateTable; the stack and the tests make them so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TTL_ATTRIBUTE = "ttl"
"""In every table: seconds since 1970, after which DynamoDB removes an item within days."""

Kind = Literal["S", "B", "N"]


@dataclass(frozen=True, slots=True)
class Table:
    """Names and types of the partition key and, where there is one, of the sort key."""

    partition_key: tuple[str, Kind]
    sort_key: tuple[str, Kind] | None = None

    @property
    def schema(self) -> Mapping[str, Any]:
        """The arguments of CreateTable that say how items are found."""
        keys = [self.partition_key] + ([self.sort_key] if self.sort_key else [])
        return {
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in keys],
            "KeySchema": [
                {"AttributeName": name, "KeyType": role}
                for (name, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        }


GALLERY = Table(("pk", "B"), ("sk", "S"))
KEYS = Table(("key_hash", "S"))
METER = Table(("key_id", "S"), ("month", "S"))
