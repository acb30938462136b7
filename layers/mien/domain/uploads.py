"""Uploads: photos that land in a store, and what becomes of each."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from mien.domain.errors import InvalidParameter
from mien.domain.gallery import DEFAULT_COLLECTION, DEFAULT_MATCH_POLICY, is_collection
from mien.domain.plans import Feature
from mien.domain.webhooks import Webhook

UPLOADS = "uploads/"
RESULTS = "results/"
"""Where photos land, and where their answers are written: both followed by the tenant and a slash."""

UPLOAD_FINISHED = "Upload finished"
"""What an event about an upload is called; its detail says `tenant` and `id`."""

BATCHES = "batches/"
"""Where is written what became of back catalogues, batch by batch."""

PHOTOS_AT_ONCE = 10
"""Of a back catalogue, handed to one function together."""

MAX_UPLOAD_BYTES = 25 * 1024 * 1024
MAX_KEY_BYTES = 1024
"""Of a key in S3."""

_HOUSE = "uploads:"
_ID_BYTES = 16
_ID = re.compile(rf"[0-9a-f]{{{2 * _ID_BYTES}}}", re.ASCII)
_MAX_NAME_BYTES = 255  # of a file


class TaskKind(StrEnum):
    """What can be asked of a photo."""

    ANALYSE = "analyse"
    EMOTION = "emotion"
    RECOGNISE = "recognise"


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with a photo; the collection and the policy are for recognising."""

    kind: TaskKind = TaskKind.ANALYSE
    collection: str = DEFAULT_COLLECTION
    match_policy: str = DEFAULT_MATCH_POLICY

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Self:
        """From `task`, `collection` and `match_policy`, each of which may be missing. Raises InvalidParameter."""
        kind = texts.get("task", TaskKind.ANALYSE)
        if kind not in set(TaskKind):
            raise InvalidParameter(f"task must be one of {', '.join(TaskKind)}.")
        collection = texts.get("collection", DEFAULT_COLLECTION)
        if not is_collection(collection):
            raise InvalidParameter("collection must be 1 to 64 of A-Z a-z 0-9 . _ -")
        return cls(TaskKind(kind), collection, texts.get("match_policy", DEFAULT_MATCH_POLICY))

    def texts(self) -> dict[str, str]:
        """What `of` reads."""
        return {"task": self.kind.value, "collection": self.collection, "match_policy": self.match_policy}


@dataclass(frozen=True, slots=True)
class PhotoVersion:
    """One version of one object. Where the store keeps no versions, `version` is its etag."""

    bucket: str
    key: str
    version: str
    etag: str

    @classmethod
    def of(cls, bucket: str, key: str, etag: str, version: str | None) -> Self:
        """As a store tells of it. The version "null", of a store that keeps versions no longer, is overwritten by the
        next, and so none.
        """
        return cls(bucket, key, etag if version in (None, "", "null") else version, etag)

    @property
    def kept(self) -> bool:
        """Whether the store keeps it when another comes under its key."""
        return self.version != self.etag

    @property
    def id(self) -> str:
        """The same for the same version, and for no other."""
        return hashlib.sha256("\n".join((self.bucket, self.key, self.version)).encode()).hexdigest()[: 2 * _ID_BYTES]


METERED_AS = "uploads"
"""What every photo that landed and was answered is counted as."""


class UploadStatus(StrEnum):
    """Where a photo is on its way."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Payer:
    """Under which key an upload is counted, by which plan, and what is switched off for it."""

    key_id: str
    plan: str
    without: frozenset[Feature] = frozenset()


def house_payer(tenant: str) -> Payer:
    """Who pays for a tenant's photos that no key asked for: whoever may write to the store, without a quota."""
    return Payer(f"{_HOUSE}{tenant}", "unlimited")


def plan_of_payer(key_id: str) -> str | None:
    """The plan of a payer that is no key; None of a key's id."""
    return house_payer("").plan if key_id.startswith(_HOUSE) else None


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo's way. A photo that was announced has its id before it lands; it gets its photo when it does.

    `code` is the error's where it failed; `announced` whether those who want to know were told.
    """

    tenant: str
    id: str
    payer: Payer
    task: Task | None
    created_at: datetime
    photo: PhotoVersion | None = None
    status: UploadStatus = UploadStatus.PENDING
    completed_at: datetime | None = None
    face_count: int | None = None
    code: str | None = None
    announced: bool = False

    @property
    def result_key(self) -> str:
        """Where the answer is written: beside the photo's own path, with its id, as other versions have others."""
        if self.photo is None:
            raise ValueError("There is no photo yet.")
        folder = f"{RESULTS}{self.tenant}/"
        path = f"{self.photo.key.removeprefix(UPLOADS).removeprefix(f'{self.tenant}/')}.{self.photo.id}.json"
        name = path.rpartition("/")[2]
        fits = len(name.encode()) <= _MAX_NAME_BYTES and len((folder + path).encode()) <= MAX_KEY_BYTES
        return folder + (path if fits else f"{self.photo.id}.json")


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What a tenant wants done with photos, by the beginning of their path, and whom to tell."""

    tasks: Mapping[str, Task] = field(default_factory=dict)
    webhook: Webhook | None = None
    without: frozenset[Feature] = frozenset()

    def task_for(self, path: str) -> Task:
        """Of the rules that fit a path under the tenant's own prefix, the longest."""
        fitting = [prefix for prefix in self.tasks if path.startswith(prefix)]
        return self.tasks[max(fitting, key=len)] if fitting else Task()


def new_upload_id() -> str:
    """An id that no upload has had before."""
    return secrets.token_hex(_ID_BYTES)


def is_upload_id(text: str) -> bool:
    """Whether an upload may be called this."""
    return bool(_ID.fullmatch(text))


def upload_key(tenant: str, path: str) -> str:
    """Where a tenant's photo lands."""
    return f"{UPLOADS}{tenant}/{path}"


def can_be_key(path: str) -> bool:
    """Whether a path is text. Those of files may be other bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def owner_of(key: str) -> tuple[str, str] | None:
    """Tenant and path of a photo under the uploads prefix; None of anything else, folders included."""
    tenant, slash, path = key.removeprefix(UPLOADS).partition("/")
    if not key.startswith(UPLOADS) or not tenant or not slash or not path or key.endswith("/"):
        return None
    return tenant, path
