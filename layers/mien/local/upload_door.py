"""Where photos too large for the API are posted to on a laptop: S3's POST Object in little, with S3's answers.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.adapters.files import NewFile
from mien.adapters.folder_photos import FolderPhotoStore
from mien.domain.errors import Unavailable
from mien.http.cors import CORS_HEADERS
from mien.http.limits import UPLOAD_SECONDS
from mien.local.gateway import DISCARDED_BYTES, HttpAnswer, Receive, Scope, Send, send_answer

log = logging.getLogger("uploads")

UPLOAD_PATH = "/uploads"

MAX_FIELD_BYTES = 20 * 1024
"""Of all that is not the photo, as on S3."""

_FILE = "file"


class Refusal(Exception):
    """Why a form is not taken: status, code and message, in S3's words."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class UploadDoor:
    """The ASGI application that takes the forms which the store signed."""

    def __init__(self, photos: FolderPhotoStore) -> None:
        self._photos = photos

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chunks = _chunks(receive)
        try:
            answer = await self._answer(scope, chunks)
        except Refusal as refusal:
            await _discard(chunks)
            answer = _refused(refusal)
        await send_answer(send, answer)
        log.info("%s %s %d", scope["method"], scope["path"], answer.status)

    async def _answer(self, scope: Scope, chunks: AsyncIterator[bytes]) -> HttpAnswer:
        if scope["method"] != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", "Photos are posted here.")
        post = _Post(self._photos, dict(scope["headers"]).get(b"content-type", b""))
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                async for chunk in chunks:
                    post.write(chunk)
            await asyncio.to_thread(post.finish)
        except TimeoutError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "RequestTimeout", "The photo did not arrive in time.") from None
        except (Unavailable, OSError):
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "Please try again.") from None
        finally:
            post.close()
        return HttpAnswer(HTTPStatus.NO_CONTENT, tuple(CORS_HEADERS.items()), b"")


class _Post:
    """A form as it comes in. Every method may raise Refusal."""

    def __init__(self, photos: FolderPhotoStore, content_type: bytes) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise _not_a_form()
        self._photos = photos
        self._fields: dict[str, bytearray] = {}
        self._header, self._value = bytearray(), bytearray()
        self._part: bytearray | NewFile = bytearray()
        self._file: NewFile | None = None
        self._size = self._other_bytes = 0
        self._complete = False
        callbacks = {
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]
        except FormParserError:
            raise _not_a_form() from None

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _not_a_form() from None

    def finish(self) -> None:
        """Let the photo land, if it came whole and in the size that was signed."""
        if not self._complete or self._file is None:
            raise _not_a_form()
        if self._file.size < self._size:
            raise Refusal(HTTPStatus.BAD_REQUEST, "EntityTooSmall", "The photo is smaller than was signed.")
        self._file.finish()

    def close(self) -> None:
        """Leave nothing half written."""
        if self._file is not None:
            self._file.abandon()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._begin(options.get(b"name", b"").decode("utf-8", "replace"))
        self._header, self._value = bytearray(), bytearray()

    def _begin(self, name: str) -> None:
        if name == _FILE and self._file is None:
            self._part = self._file = self._open()
        else:
            self._part = self._fields[name] = bytearray()

    def _open(self) -> NewFile:
        permit = self._photos.permit({name: value.decode("utf-8", "replace") for name, value in self._fields.items()})
        if permit is None:
            raise Refusal(HTTPStatus.FORBIDDEN, "AccessDenied", "Invalid according to Policy.")
        self._size = permit.size
        return self._photos.landing(permit.key)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if isinstance(self._part, NewFile):
            if self._part.size + end - start > self._size:
                raise Refusal(HTTPStatus.BAD_REQUEST, "EntityTooLarge", "The photo is larger than was signed.")
            self._part.write(data[start:end])
            return
        self._other_bytes += end - start
        if self._other_bytes > MAX_FIELD_BYTES:
            raise Refusal(
                HTTPStatus.BAD_REQUEST, "MaxPostPreDataLengthExceeded", "The fields before the photo are too large."
            )
        self._part += data[start:end]

    def _on_end(self) -> None:
        self._complete = True


def _not_a_form() -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "MalformedPOSTRequest", "The body is not well-formed multipart/form-data.")


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body, bit by bit. Raises Refusal."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(HTTPStatus.BAD_REQUEST, "IncompleteBody", "The photo broke off.")
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    """Read on, so that the client hears why."""
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for chunk in chunks:
                size += len(chunk)
                if size > DISCARDED_BYTES:
                    return
    except (TimeoutError, Refusal):
        return


def _refused(refusal: Refusal) -> HttpAnswer:
    error = f"<Error><Code>{refusal.code}</Code><Message>{refusal}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return HttpAnswer(
        refusal.status, tuple((CORS_HEADERS | {"content-type": "application/xml"}).items()), body.encode()
    )
