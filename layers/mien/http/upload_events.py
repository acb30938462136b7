"""Which photos an event is about: S3's notifications in SQS messages, and the batches of a back catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from mien.domain.errors import MalformedRequest
from mien.domain.uploads import PhotoVersion, Task, owner_of

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Landing:
    """A photo of a tenant, under the tenant's own path. The version is None where the event does not say."""

    tenant: str
    path: str
    bucket: str
    key: str
    photo: PhotoVersion | None = None
    task: Task | None = None


def landings(message: str) -> list[Landing]:
    """The photos that a message says have landed, of an S3 notification. Of S3's test message, of deletions and of
    objects elsewhere, none.

    Raises:
        MalformedRequest: the message is not S3's.

    """
    try:
        event = json.loads(message)
        if event.get("Event") == "s3:TestEvent":
            return []
        created = [record for record in event["Records"] if record["eventName"].startswith("ObjectCreated:")]
        found = [_landing(record["s3"]) for record in created]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MalformedRequest("The message is no S3 notification.") from None
    return [landing for landing in found if landing is not None]


def batch_landings(event: Event) -> list[Landing]:
    """The photos of a batch: `Items` with a `key` each, and a `BatchInput` of what is true of all: `tenant`, `bucket`,
    and the `task`, `collection` and `match_policy` where they are not the tenant's rules'. Folders are no photos.

    Raises:
        MalformedRequest: the event is not so.
        InvalidParameter: there is no such task.

    """
    try:
        shared = event["BatchInput"]
        task = Task.of({name: text for name, text in shared.items() if text}) if shared.get("task") else None
        keys = [item["key"] for item in event["Items"]]
        return [_of_batch(shared["tenant"], shared["bucket"], key, task) for key in keys if not key.endswith("/")]
    except (KeyError, TypeError, AttributeError):
        raise MalformedRequest("The event is no batch of photos.") from None


def _landing(s3: Event) -> Landing | None:
    bucket, of = s3["bucket"]["name"], s3["object"]
    key = unquote_plus(of["key"])
    owner = owner_of(key)
    if owner is None:
        return None
    etag = of.get("eTag")
    photo = PhotoVersion.of(bucket, key, etag, of.get("versionId")) if etag else None
    return Landing(*owner, bucket, key, photo)


def _of_batch(tenant: str, bucket: str, key: str, task: Task | None) -> Landing:
    owner = owner_of(key)
    path = owner[1] if owner is not None and owner[0] == tenant else key
    return Landing(tenant, path, bucket, key, task=task)
