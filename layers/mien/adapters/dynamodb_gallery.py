"""Galleries in a DynamoDB table.

Three kinds of items, each under a partition key of 16 bytes that is a digest of tenant, collection and kind:

subject    what is known of a person but the templates, by uid; 8 partitions a gallery
templates  the packed templates, by uid; 8 partitions a gallery, which are read in parallel
receipt    the audit log, by receipt id; 1 partition a gallery

Templates are apart from their subjects, so that loading a gallery reads no metadata and listing it no templates. A
change is one transaction over the three. An item is of no account from `ttl` on, even before DynamoDB removes it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

from mien.adapters.aws import Item, transact, unavailable
from mien.adapters.tables import TTL_ATTRIBUTE
from mien.domain.gallery import Action, Enrolled, GalleryId, Receipt, Subject, SubjectPage, Templates, receipt_time
from mien.ports.clock import Clock, utc_now

PARTITIONS = 8
RECEIPTS_KEPT = timedelta(days=400)

_NOT_EXPIRED = "attribute_not_exists(#ttl) OR #ttl > :now"
_EXPIRED_OR_ABSENT = "attribute_not_exists(sk) OR #ttl <= :now"
_TTL_NAME = {"#ttl": TTL_ATTRIBUTE}  # a reserved word, as is `space`
_BATCH_GET = 100
_ID_LENGTH = 16


class DynamoDbGallery:
    """A Gallery on one table. `client` is a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str, clock: Clock = utc_now) -> None:
        self._client, self._table, self._clock = client, table, clock

    def find(self, gallery: GalleryId, uid: str) -> Subject | None:
        item = self._get(_key(gallery, "subject", uid))
        return None if item is None or self._expired(item) else _subject(item)

    def swap(
        self,
        gallery: GalleryId,
        receipt: Receipt,
        held: Subject | None,
        new: Enrolled | None,
    ) -> bool:
        subject_key = _key(gallery, "subject", receipt.uid)
        receipt_key = _key(gallery, "receipt", receipt.id)
        condition = self._condition(held)
        if new is None:
            writes = [self._delete(subject_key, condition), self._delete(_key(gallery, "templates", receipt.uid))]
        else:
            writes = [
                self._put(subject_key | _subject_item(new.subject), condition),
                self._put(templates_item(gallery, new.templates)),
            ]
        log = self._put(receipt_key | _receipt_item(receipt) | _ttl(self._clock() + RECEIPTS_KEPT))
        refused = transact(self._client, "The gallery", [*writes, log])
        return not refused or self._get(receipt_key) is not None

    def page(self, gallery: GalleryId, limit: int, after: str | None = None) -> SubjectPage:
        found: list[Subject] = []
        for partition in range(0 if after is None else _partition(after), PARTITIONS):
            key = _partition_key(gallery, "subject", partition)
            start = {"pk": key, "sk": {"S": after}} if after is not None and partition == _partition(after) else None
            for items in self._pages(key, start=start, limit=limit + 1, consistent=True):
                found += [_subject(item) for item in items]
                if len(found) > limit:
                    return SubjectPage(found[:limit], found[limit - 1].uid)
        return SubjectPage(found, None)

    def count_faces(self, gallery: GalleryId) -> dict[str, int]:
        keys = [_partition_key(gallery, "subject", partition) for partition in range(PARTITIONS)]
        counted: Counter[str] = Counter()
        for items in self._parallel(keys, counting=True, consistent=True):
            for item in items:
                counted[item["space"]["S"]] += int(item["faces"]["N"])
        return dict(counted)

    def templates(self, gallery: GalleryId) -> Iterator[Sequence[Templates]]:
        keys = [_partition_key(gallery, "templates", partition) for partition in range(PARTITIONS)]
        for items in self._parallel(keys):
            yield [_templates(item) for item in items]

    def templates_of(self, gallery: GalleryId, uids: Collection[str]) -> list[Templates]:
        keys = [_key(gallery, "templates", uid) for uid in sorted(set(uids))]
        found: list[Item] = []
        while keys:
            request = {self._table: {"Keys": keys[:_BATCH_GET], "ConsistentRead": True}}
            with unavailable("The gallery"):
                answer = self._client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            keys = left + keys[_BATCH_GET:]
        return [_templates(item) for item in found if not self._expired(item)]

    def receipts(self, gallery: GalleryId, since: datetime) -> list[Receipt]:
        key = _partition_key(gallery, "receipt")
        pages = self._pages(key, since=receipt_time(since), consistent=True)
        return [_receipt(item) for items in pages for item in items]

    def close(self) -> None:
        self._client.close()

    def _get(self, key: Item) -> Item | None:
        with unavailable("The gallery"):
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")

    def _expired(self, item: Item) -> bool:
        return TTL_ATTRIBUTE in item and int(item[TTL_ATTRIBUTE]["N"]) <= self._now()

    def _now(self) -> int:
        return int(self._clock().timestamp())

    def _put(self, item: Item, condition: Item | None = None) -> Item:
        return {"Put": {"TableName": self._table, "Item": item, **(condition or {})}}

    def _delete(self, key: Item, condition: Item | None = None) -> Item:
        return {"Delete": {"TableName": self._table, "Key": key, **(condition or {})}}

    def _condition(self, held: Subject | None) -> Item:
        if held is None:
            return {
                "ConditionExpression": _EXPIRED_OR_ABSENT,
                "ExpressionAttributeNames": _TTL_NAME,
                "ExpressionAttributeValues": {":now": {"N": str(self._now())}},
            }
        return {
            "ConditionExpression": "revision = :held",
            "ExpressionAttributeValues": {":held": {"S": held.revision}},
        }

    def _parallel(self, keys: Sequence[Item], **query: Any) -> Iterator[list[Item]]:
        """The pages of several partitions, as they arrive; one page of each is on its way at a time."""
        with ThreadPoolExecutor(len(keys)) as pool:
            readers = [self._pages(key, **query) for key in keys]
            waiting: dict[Future[list[Item] | None], Iterator[list[Item]]] = {
                pool.submit(next, reader, None): reader for reader in readers
            }
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    reader, items = waiting.pop(future), future.result()
                    if items is not None:
                        waiting[pool.submit(next, reader, None)] = reader
                        yield items

    def _pages(
        self,
        key: Item,
        *,
        start: Item | None = None,
        since: str | None = None,
        limit: int | None = None,
        counting: bool = False,
        consistent: bool = False,
    ) -> Iterator[list[Item]]:
        """The unexpired items of a partition, page by page."""
        query: Item = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk" if since is None else "pk = :pk AND sk >= :since",
            "FilterExpression": _NOT_EXPIRED,
            "ExpressionAttributeNames": _TTL_NAME,
            "ExpressionAttributeValues": {":pk": key, ":now": {"N": str(self._now())}},
            "ConsistentRead": consistent,
        }
        if since is not None:
            query["ExpressionAttributeValues"][":since"] = {"S": since}
        if limit is not None:
            query["Limit"] = limit
        if counting:
            query["ProjectionExpression"] = "faces, #space"
            query["ExpressionAttributeNames"] = _TTL_NAME | {"#space": "space"}
        while True:
            with unavailable("The gallery"):
                answer = self._client.query(**query, **({"ExclusiveStartKey": start} if start else {}))
            yield answer["Items"]
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return


def _partition(uid: str) -> int:
    return zlib.crc32(uid.encode()) % PARTITIONS


def _partition_key(gallery: GalleryId, kind: str, partition: int = 0) -> Item:
    # Neither tenant nor collection can hold a NUL, so no two galleries are written alike.
    text = "\0".join((gallery.tenant, gallery.collection, kind, str(partition)))
    return {"B": hashlib.blake2b(text.encode(), digest_size=_ID_LENGTH).digest()}


def _key(gallery: GalleryId, kind: str, name: str) -> Item:
    partition = 0 if kind == "receipt" else _partition(name)
    return {"pk": _partition_key(gallery, kind, partition), "sk": {"S": name}}


def _ttl(expires_at: datetime | None) -> Item:
    return {} if expires_at is None else {TTL_ATTRIBUTE: {"N": str(int(expires_at.timestamp()))}}


def _expires_at(item: Item) -> datetime | None:
    return datetime.fromtimestamp(int(item[TTL_ATTRIBUTE]["N"]), UTC) if TTL_ATTRIBUTE in item else None


def _subject_item(subject: Subject) -> Item:
    metadata = {} if subject.metadata is None else {"metadata": {"S": subject.metadata}}
    return {
        "face_ids": {"L": [{"S": face_id} for face_id in subject.face_ids]},
        "faces": {"N": str(len(subject.face_ids))},
        "space": {"S": subject.space},
        "created_at": {"S": subject.created_at.isoformat()},
        "updated_at": {"S": subject.updated_at.isoformat()},
        "revision": {"S": subject.revision},
        **metadata,
        **_ttl(subject.expires_at),
    }


def _subject(item: Item) -> Subject:
    return Subject(
        uid=item["sk"]["S"],
        face_ids=tuple(face_id["S"] for face_id in item["face_ids"]["L"]),
        space=item["space"]["S"],
        metadata=item["metadata"]["S"] if "metadata" in item else None,
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        expires_at=_expires_at(item),
        revision=item["revision"]["S"],
    )


def templates_item(gallery: GalleryId, templates: Templates) -> Item:
    """Names of one letter: there are as many of them as faces."""
    key = _key(gallery, "templates", templates.uid)
    return key | {"s": {"S": templates.space}, "t": {"B": templates.packed}} | _ttl(templates.expires_at)


def _templates(item: Item) -> Templates:
    return Templates(item["sk"]["S"], item["s"]["S"], item["t"]["B"], _expires_at(item))


def _receipt_item(receipt: Receipt) -> Item:
    return {
        "action": {"S": receipt.action.value},
        "uid": {"S": receipt.uid},
        "faces": {"N": str(receipt.faces)},
        "by": {"S": receipt.by},
    }


def _receipt(item: Item) -> Receipt:
    return Receipt(
        id=item["sk"]["S"],
        action=Action(item["action"]["S"]),
        uid=item["uid"]["S"],
        faces=int(item["faces"]["N"]),
        by=item["by"]["S"],
    )


def item_bytes(item: Item) -> int:
    """How large DynamoDB takes an item to be: its names and values ("Item sizes" in its developer guide)."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Item) -> int:
    ((kind, content),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _value_bytes(member) for member in content)
    if kind == "N":
        return (len(content) + 1) // 2 + 1
    return len(content) if kind == "B" else len(content.encode())
