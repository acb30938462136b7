"""Where photos land and their answers are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mien.domain.uploads import PhotoVersion


@dataclass(frozen=True, slots=True)
class LandedPhoto:
    """The bytes of a photo, and what its sender said of it: `task`, `collection`, `match_policy`."""

    data: bytes = field(repr=False)
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostForm:
    """A form to post a photo with, as multipart/form-data: these fields first, then the photo as `file`."""

    url: str
    fields: Mapping[str, str] = field(repr=False)
    expires_at: datetime


class PhotoStore(Protocol):
    """Photos and answers, under keys. Every method may raise Unavailable."""

    def version_of(self, bucket: str, key: str) -> PhotoVersion | None:
        """The version that is there now; None when there is none."""

    def read(self, photo: PhotoVersion, max_bytes: int) -> LandedPhoto | None:
        """The photo; None when this version is gone. Raises ImageTooLarge."""

    def owns(self, photo: PhotoVersion) -> bool:
        """Whether the photo landed here; those of elsewhere are only read."""

    def delete(self, photo: PhotoVersion) -> None:
        """Delete this version, if it is still there."""

    def put_answer(self, key: str, answer: bytes) -> bytes:
        """Write an answer where there is none; the answer that stands there now."""

    def answer(self, key: str) -> bytes | None:
        """The answer under a key; None when there is none, or no longer."""

    def post_form(self, key: str, content_type: str, size: int) -> PostForm:
        """A form that lets one photo of this type and size, and nothing else, land under this key."""

    def close(self) -> None:
        """Let go of files and connections."""
