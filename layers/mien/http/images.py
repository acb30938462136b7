"""Reading images and texts out of a request."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.domain.errors import ImageTooLarge, InvalidParameter, MalformedRequest, MissingField, NotEnabled
from mien.http.limits import MAX_ADDITIONAL_IMAGES, MAX_FORM_PARTS, MAX_IMAGE_BYTES
from mien.ports.image_source import ImageSource

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a broken form is the caller's news, not the log's

_ADDITIONAL = "additional_face_image_"


_URL_START = re.compile(rb"\s*[a-z]+://", re.IGNORECASE)

_AS_THEY_ARE = (b"binary", b"8bit", b"7bit")
"""The transfer encodings that change nothing; RFC 7578 (4.7) deprecates them all."""

_BODY = ""
"""The name of a field that is the body itself, when the body is an image."""

_URL = "url"

_MAIN_FIELDS = ("face_image", "image")
"""What the endpoints of one image call it. In JSON each takes the other's name too, and any of them a url; or the body
is the image.
"""


@dataclass(slots=True)
class _Part:
    """A field. Where it came in JSON an image is text: base64, a data URI, or a url."""

    name: str = ""
    content: bytearray = field(default_factory=bytearray)
    is_json: bool = False


def read_body(body: str | None, is_base64: bool) -> bytes:
    """The bytes of a proxy event's body.

    Raises:
        MalformedRequest: it is said to be base64 and is not.

    """
    if not is_base64:
        return (body or "").encode()
    try:
        return base64.b64decode(body or "", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedRequest("The body could not be read.") from None


def read_json(body: bytes) -> dict[str, Any]:
    """The fields of a JSON object. Raises MalformedRequest."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRequest("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return fields


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a request; `images` fetches those that are urls."""

    parts: Sequence[_Part]
    images: ImageSource | None = None

    @property
    def names(self) -> set[str]:
        return {part.name for part in self.parts}

    def image(self, name: str) -> bytes:
        """The image of a field.

        Raises:
            MissingField: the field is absent or empty.
            InvalidParameter: it came more than once, or is neither base64 nor a url in JSON.
            ImageTooLarge: the image is larger than the synchronous API takes.
            UrlNotAllowed, UrlNotFetched: it is a url that leads nowhere.
            NotEnabled: it is a url, and none are fetched here.

        """
        part = self._part(name)
        if part is None and name in _MAIN_FIELDS:
            part = self._main_part()
        if part is None or not part.content:
            what = "missing; send an image in it" if part is None else "empty"
            raise MissingField(f"The field {name} is {what}.")
        image = self._from_json(part) if part.is_json else bytes(part.content)
        if len(image) > MAX_IMAGE_BYTES:
            raise ImageTooLarge(f"The image has {len(image):,} bytes; at most {MAX_IMAGE_BYTES:,} are taken.")
        return image

    def text(self, name: str, max_bytes: int) -> str | None:
        """The text of a field; None when it is absent. Raises InvalidParameter."""
        part = self._part(name)
        if part is None:
            return None
        if len(part.content) > max_bytes:
            raise InvalidParameter(f"{name} has {len(part.content):,} bytes; at most {max_bytes:,} are taken.")
        try:
            return part.content.decode()
        except UnicodeDecodeError:
            raise InvalidParameter(f"{name} is not UTF-8 text.") from None

    def _main_part(self) -> _Part | None:
        """The one image of a body that is it, or of JSON that calls it by another name."""
        for name in (_BODY, *_MAIN_FIELDS, _URL):
            part = self._part(name)
            if part is not None and (part.is_json or name == _BODY):
                return part
        return None

    def _from_json(self, part: _Part) -> bytes:
        if part.name != _URL and not _URL_START.match(part.content):
            return _decoded(part)
        if self.images is None:
            raise NotEnabled("Images are not fetched from a url in this deployment; send the image itself.")
        return self.images.fetch(part.content.decode(), MAX_IMAGE_BYTES)

    def _part(self, name: str) -> _Part | None:
        found = [part for part in self.parts if part.name == name]
        if len(found) > 1:
            raise InvalidParameter(f"The field {name} came {len(found)} times; send it once.")
        return found[0] if found else None


def read_form(content_type: str, body: bytes, images: ImageSource | None = None) -> Form:
    """The fields that a request carries: a form's, a JSON object's, or one image that is the body.

    A body of another content type carries none.

    Raises:
        MalformedRequest: the form or JSON cannot be parsed, or breaks off.

    """
    try:
        kind, options = parse_options_header(content_type)
    except UnicodeEncodeError:
        raise MalformedRequest("The content type has letters that no content type has.") from None
    if kind == b"multipart/form-data":
        return Form(_parts(body, options.get(b"boundary", b"")))
    if kind == b"application/json":
        return Form(_json_parts(body), images)
    if kind.startswith(b"image/"):
        return Form([_Part(_BODY, bytearray(body))])
    return Form(())


def _json_parts(body: bytes) -> list[_Part]:
    fields = read_json(body)
    for name, value in fields.items():
        if not isinstance(value, str):
            raise InvalidParameter(f"The field {name[:40]!r} must be text.")
    return [_Part(name, bytearray(value.encode("utf-8", "replace")), is_json=True) for name, value in fields.items()]


def _decoded(part: _Part) -> bytes:
    """The bytes of base64, or of a data URI (RFC 2397)."""
    text = bytes(part.content)
    if text[:5].lower() == b"data:":
        header, comma, text = text.partition(b",")
        if not comma or not header.lower().endswith(b";base64"):
            raise InvalidParameter(f"The field {part.name} is a data URI that is not base64.")
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameter(f"The field {part.name} is not base64.") from None


def read_photos(form: Form) -> list[bytes]:
    """The photos of one person: face_image, then the additional ones in order of their number.

    Raises:
        MissingField: there is no face_image, or a field is empty.
        InvalidParameter: a number is beyond what is taken, or a field came more than once.
        ImageTooLarge: a file is larger than the synchronous API takes.

    """
    additional = [f"{_ADDITIONAL}{number}" for number in range(MAX_ADDITIONAL_IMAGES)]
    beyond = [name for name in form.names if name.startswith(_ADDITIONAL) and name not in additional]
    if beyond:
        raise InvalidParameter(f"There is no field {min(beyond)!r}; additional images go to {', '.join(additional)}.")
    return [form.image("face_image"), *(form.image(name) for name in additional if name in form.names)]


def _parts(body: bytes, boundary: bytes) -> list[_Part]:
    """The parts of a multipart/form-data body that have a name, in order (RFC 7578)."""
    parts: list[_Part] = []
    header = _Part()  # of the header being read: its name and value so far
    complete = False

    def on_part_begin() -> None:
        if len(parts) == MAX_FORM_PARTS:
            raise MalformedRequest(f"The form has more than {MAX_FORM_PARTS:,} parts.")
        parts.append(_Part())

    def on_header_field(data: bytes, start: int, end: int) -> None:
        header.name += data[start:end].decode("latin-1")

    def on_header_value(data: bytes, start: int, end: int) -> None:
        header.content += data[start:end]

    def on_header_end() -> None:
        name = header.name.lower()
        if name == "content-transfer-encoding" and header.content.strip().lower() not in _AS_THEY_ARE:
            raise MalformedRequest("A part of the form is encoded for mail; send its bytes as they are.")
        if name == "content-disposition":
            _, options = parse_options_header(bytes(header.content))
            parts[-1].name = options.get(b"name", b"").decode("utf-8", "replace")
        header.name, header.content = "", bytearray()

    def on_part_data(data: bytes, start: int, end: int) -> None:
        parts[-1].content += data[start:end]

    def on_end() -> None:
        nonlocal complete
        complete = True

    callbacks = {
        "on_part_begin": on_part_begin,
        "on_header_field": on_header_field,
        "on_header_value": on_header_value,
        "on_header_end": on_header_end,
        "on_part_data": on_part_data,
        "on_end": on_end,
    }
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise MalformedRequest("The multipart/form-data body could not be parsed.") from None
    if not complete:
        raise MalformedRequest("The multipart/form-data body breaks off before its end.")
    return [part for part in parts if part.name]
