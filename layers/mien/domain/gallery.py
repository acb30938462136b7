"""Galleries: the enrolled subjects of a tenant, and what is kept of each."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

MAX_REFERENCES = 20
MAX_UID_LENGTH = 128
MAX_METADATA_BYTES = 2048

UNKNOWN = "unknown"
"""What a stranger is called, and so no uid."""

DEFAULT_COLLECTION = "default"
DEFAULT_MATCH_POLICY = "fmr_1e-4"

COLLECTION_PATTERN = "[A-Za-z0-9._-]{1,64}"
UID_PATTERN = rf"[!-~](?:[ -~]{{0,{MAX_UID_LENGTH - 2}}}[!-~])?"

_COLLECTION = re.compile(COLLECTION_PATTERN, re.ASCII)
_UID = re.compile(UID_PATTERN, re.ASCII)
_FACE_ID_BYTES = 8
_REVISION_BYTES = 8


@dataclass(frozen=True, slots=True)
class GalleryId:
    """Whose gallery, and which of theirs. Nothing is stored or looked up without both."""

    tenant: str
    collection: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is kept of an enrolled person, but for the templates of the face.

    `uid` is the caller's name for the person, `face_ids` ours for each reference photo, `space` what the templates
    were embedded by. `revision` is new with every change. After `expires_at` the subject is as good as deleted.
    """

    uid: str
    face_ids: tuple[str, ...]
    space: str
    metadata: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    revision: str = field(default_factory=lambda: secrets.token_hex(_REVISION_BYTES))


@dataclass(frozen=True, slots=True)
class Templates:
    """The packed templates of one subject (see `domain.templates`), and the space they lie in."""

    uid: str
    space: str
    packed: bytes = field(repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """All that is kept of a person."""

    subject: Subject
    templates: Templates


class Action(StrEnum):
    """What was done to a subject."""

    REGISTERED = "registered"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A line of a gallery's audit log: what was done to whom, by which key, and to how many faces. `id` sorts by time.

    The log is also how a function that holds the gallery in memory hears of changes.
    """

    id: str
    action: Action
    uid: str
    faces: int
    by: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(int(self.id.partition("-")[0]) / 1000, UTC)

    @classmethod
    def of(cls, action: Action, uid: str, faces: int, by: str, now: datetime) -> Receipt:
        """A new receipt, with an id that no other has."""
        return cls(f"{receipt_time(now)}-{secrets.token_hex(4)}", action, uid, faces, by)


def receipt_time(at: datetime) -> str:
    """How the ids of all receipts from this millisecond on begin, or sort after."""
    return f"{int(at.timestamp() * 1000):013d}"


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """Some subjects of a gallery, and the uid to go on after; None on the last page."""

    subjects: Sequence[Subject]
    next_after: str | None


def is_uid(text: str) -> bool:
    """Whether people may be called this: 1 to 128 printable ASCII characters, as a header carries them, no space at
    either end, and not what strangers are called.
    """
    return bool(_UID.fullmatch(text)) and text != UNKNOWN


def is_collection(text: str) -> bool:
    """Whether a collection may be called this: 1 to 64 of A-Z a-z 0-9 . _ -"""
    return bool(_COLLECTION.fullmatch(text))


def new_face_id() -> str:
    """An id that no face has had before."""
    return secrets.token_hex(_FACE_ID_BYTES)
