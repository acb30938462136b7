"""The /uploads endpoints on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from mien.domain.errors import ImageTooLarge, InvalidParameter, MissingField, UnsupportedImage
from mien.domain.uploads import MAX_UPLOAD_BYTES, Task
from mien.http.images import read_json
from mien.http.routes import IMAGE_MEDIA_TYPES
from mien.usecases.open_upload import FoundUpload, OpenedUpload


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a caller says of a photo that is to come. Without a task the tenant's rules say what is done with it."""

    content_type: str
    size: int
    task: Task | None


class OpenedUploadBody(TypedDict):
    """Where to post the photo: as multipart/form-data, these fields first, then the photo as `file`."""

    status: str
    id: str
    url: str
    fields: dict[str, str]
    expires_at: str


class UploadBody(TypedDict):
    """`status` is pending, done or failed. `result` is the answer once it is done, `error` the reason if it failed."""

    status: str
    id: str
    created_at: str
    completed_at: str | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None


def read_upload_request(body: bytes) -> UploadRequest:
    """What is asked for in JSON: `content_type` and `bytes`, and `task`, `collection` and `match_policy` if wanted.

    Raises:
        MalformedRequest: the body is not a JSON object.
        MissingField: it lacks the type or the size.
        InvalidParameter: what it says cannot be.
        UnsupportedImage, ImageTooLarge: such a photo is not taken.

    """
    said = read_json(body)
    return UploadRequest(_content_type(said), _size(said), _task(said))


def opened_upload_body(opened: OpenedUpload) -> OpenedUploadBody:
    """The answer of POST /uploads."""
    return OpenedUploadBody(
        status=opened.upload.status.value,
        id=opened.upload.id,
        url=opened.form.url,
        fields=dict(opened.form.fields),
        expires_at=opened.form.expires_at.isoformat(timespec="seconds"),
    )


def upload_body(found: FoundUpload) -> UploadBody:
    """The answer of GET /uploads/{id}."""
    upload, answer = found.upload, found.answer
    failed = answer is not None and answer["status"] == "error"
    return UploadBody(
        status=upload.status.value,
        id=upload.id,
        created_at=upload.created_at.isoformat(timespec="seconds"),
        completed_at=upload.completed_at.isoformat(timespec="seconds") if upload.completed_at else None,
        result=None if failed else answer,
        error=answer if failed else None,
    )


def _content_type(said: Mapping[str, Any]) -> str:
    kind = said.get("content_type")
    if kind is None:
        raise MissingField("The field content_type is missing.")
    if kind not in IMAGE_MEDIA_TYPES:
        raise UnsupportedImage(f"content_type must be one of {', '.join(IMAGE_MEDIA_TYPES)}.")
    return str(kind)


def _size(said: Mapping[str, Any]) -> int:
    size = said.get("bytes")
    if size is None:
        raise MissingField("The field bytes is missing.")
    if type(size) is not int or size < 1:
        raise InvalidParameter("bytes must be a whole number above zero.")
    if size > MAX_UPLOAD_BYTES:
        raise ImageTooLarge(f"The photo has {size:,} bytes; at most {MAX_UPLOAD_BYTES:,} are taken.")
    return size


def _task(said: Mapping[str, Any]) -> Task | None:
    texts = {name: said[name] for name in Task().texts() if name in said}
    if not all(isinstance(text, str) for text in texts.values()):
        raise InvalidParameter(f"{', '.join(Task().texts())} must be text.")
    unknown = said.keys() - texts.keys() - {"content_type", "bytes"}
    if unknown:
        raise InvalidParameter(f"There is no field {min(unknown)!r} here.")
    return Task.of(texts) if texts else None
