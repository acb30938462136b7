"""The upload log in a DynamoDB table: an item for every upload, and one for each tenant's rules.

What has been finished has an attribute for the index by time: the moment and the id, so that no two are alike and a
page can be gone on from. The index follows the table within moments; everything else is read as it stands.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from mien.adapters.aws import Item, error_code, unavailable
from mien.adapters.tables import TTL_ATTRIBUTE, UPLOADS
from mien.adapters.upload_rows import rules_of, rules_row, upload_of, upload_row
from mien.domain.errors import Unavailable
from mien.domain.uploads import PhotoVersion, Upload, UploadRules
from mien.ports.clock import Clock, utc_now
from mien.ports.upload_log import UploadPage

_WHAT = "The upload log"
_RULES = "rules"  # in the place of an id, which is 32 digits
_ALIVE = "(attribute_not_exists(#ttl) OR #ttl > :now)"

_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


class DynamoDbUploadLog:
    """An UploadLog on one table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str, retention: timedelta | None = None, clock: Clock = utc_now) -> None:
        """`retention` is how long an upload is remembered."""
        self._client, self._table = client, table
        self._retention, self._clock = retention, clock

    def add(self, upload: Upload) -> None:
        with unavailable(_WHAT):
            self._client.put_item(TableName=self._table, Item=self._item(upload))

    def find(self, tenant: str, id: str) -> Upload | None:
        with unavailable(_WHAT):
            answer = self._client.get_item(TableName=self._table, Key=_key(tenant, id), ConsistentRead=True)
        item = answer.get("Item")
        return _upload(item) if item and self._is_alive(item) else None

    def claim(self, tenant: str, id: str, photo: PhotoVersion) -> Upload | None:
        claim = {
            "UpdateExpression": "SET photo = :photo",
            "ConditionExpression": f"attribute_exists(tenant) AND {_ALIVE} AND photo IN (:none, :photo)",
            "ExpressionAttributeNames": {"#ttl": TTL_ATTRIBUTE},
            "ExpressionAttributeValues": {
                ":now": self._now(),
                ":none": _serialize(None),
                ":photo": _serialize(_photo(photo)),
            },
            "ReturnValues": "ALL_NEW",
        }
        answer = self._if_allowed(self._client.update_item, Key=_key(tenant, id), **claim)
        return None if answer is None else _upload(answer["Attributes"])

    def finish(self, upload: Upload) -> Upload:
        unfinished = {
            "ConditionExpression": "attribute_not_exists(finished) OR #ttl <= :now",
            "ExpressionAttributeNames": {"#ttl": TTL_ATTRIBUTE},
            "ExpressionAttributeValues": {":now": self._now()},
        }
        answer = self._if_allowed(self._client.put_item, Item=self._item(upload), **unfinished)
        if answer is not None:
            return upload
        stands = self.find(upload.tenant, upload.id)
        if stands is None:
            raise Unavailable(f"{_WHAT} has just forgotten this upload.")
        return stands

    def set_announced(self, tenant: str, id: str) -> None:
        announced = {
            "UpdateExpression": "SET announced = :true",
            "ConditionExpression": "attribute_exists(tenant)",  # where it is forgotten, nothing is to come back
            "ExpressionAttributeValues": {":true": {"BOOL": True}},
        }
        self._if_allowed(self._client.update_item, Key=_key(tenant, id), **announced)

    def finished(
        self, tenant: str, since: datetime, until: datetime, limit: int, after: str | None = None
    ) -> UploadPage:
        # A moment alone comes before the same moment with an id.
        query: Item = {
            "IndexName": UPLOADS.index and UPLOADS.index.name,
            "KeyConditionExpression": "tenant = :tenant AND finished BETWEEN :since AND :until",
            "FilterExpression": _ALIVE,
            "ExpressionAttributeNames": {"#ttl": TTL_ATTRIBUTE},
            "ExpressionAttributeValues": {
                ":tenant": {"S": tenant},
                ":since": {"S": _moment(since)},
                ":until": {"S": _moment(until)},
                ":now": self._now(),
            },
            "Limit": limit,
        }
        if after is not None:
            query["ExclusiveStartKey"] = _key(tenant, after.rpartition("/")[2]) | {"finished": {"S": after}}
        with unavailable(_WHAT):
            answer = self._client.query(TableName=self._table, **query)
        last = answer.get("LastEvaluatedKey")
        return UploadPage(list(map(_upload, answer["Items"])), last["finished"]["S"] if last else None)

    def rules(self, tenant: str) -> UploadRules:
        with unavailable(_WHAT):
            answer = self._client.get_item(TableName=self._table, Key=_key(tenant, _RULES), ConsistentRead=True)
        return rules_of(json.loads(answer["Item"]["rules"]["S"])) if "Item" in answer else UploadRules()

    def set_rules(self, tenant: str, rules: UploadRules) -> None:
        # As text, because a map of DynamoDB's has no empty key, and the empty prefix is every photo's.
        row = _key(tenant, _RULES) | {"rules": {"S": json.dumps(rules_row(rules))}}
        with unavailable(_WHAT):
            self._client.put_item(TableName=self._table, Item=row)

    def close(self) -> None:
        self._client.close()

    def _if_allowed(self, write: Any, **parameters: Any) -> Item | None:
        """The answer to a write; None where its condition does not hold."""
        try:
            with unavailable(_WHAT):
                answer: Item = write(TableName=self._table, **parameters)
        except Unavailable as error:
            if error_code(error.__cause__) == "ConditionalCheckFailedException":
                return None
            raise
        return answer

    def _item(self, upload: Upload) -> Item:
        row = upload_row(upload) | {"announced": upload.announced}
        item = _key(upload.tenant, upload.id) | {name: _serialize(value) for name, value in row.items()}
        if upload.completed_at:
            item["finished"] = {"S": f"{_moment(upload.completed_at)}/{upload.id}"}
        if self._retention:
            item[TTL_ATTRIBUTE] = _seconds((upload.completed_at or upload.created_at) + self._retention)
        return item

    def _is_alive(self, item: Item) -> bool:
        return TTL_ATTRIBUTE not in item or int(item[TTL_ATTRIBUTE]["N"]) > self._clock().timestamp()

    def _now(self) -> Item:
        return _seconds(self._clock())


def _key(tenant: str, id: str) -> Item:
    return {"tenant": {"S": tenant}, "id": {"S": id}}


def _photo(photo: PhotoVersion) -> dict[str, str]:
    return {"bucket": photo.bucket, "key": photo.key, "version": photo.version, "etag": photo.etag}


def _upload(item: Item) -> Upload:
    row = {name: _deserialize(value) for name, value in item.items()}
    faces: Decimal | None = row["face_count"]
    row["face_count"] = None if faces is None else int(faces)
    return upload_of(row["tenant"], row["id"], row, row["announced"])


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _seconds(at: datetime) -> Item:
    return {"N": str(int(at.timestamp()))}
