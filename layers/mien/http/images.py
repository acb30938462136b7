"""Reading images and texts out of a request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.domain.errors import ImageTooLarge, InvalidParameter, MalformedRequest, MissingField
from mien.http.limits import MAX_ADDITIONAL_IMAGES, MAX_IMAGE_BYTES

_ADDITIONAL = "additional_face_image_"


@dataclass(slots=True)
class _Part:
    name: str = ""
    content: bytearray = field(default_factory=bytearray)


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


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a request."""

    parts: Sequence[_Part]

    @property
    def names(self) -> set[str]:
        return {part.name for part in self.parts}

    def image(self, name: str) -> bytes:
        """The image file of a field.

        Raises:
            MissingField: the field is absent or empty.
            InvalidParameter: it came more than once.
            ImageTooLarge: the file is larger than the synchronous API takes.

        """
        image = self._content(name)
        if not image:
            what = "empty" if image is not None else "missing; send multipart/form-data with an image in it"
            raise MissingField(f"The field {name} is {what}.")
        if len(image) > MAX_IMAGE_BYTES:
            raise ImageTooLarge(f"The image has {len(image):,} bytes; at most {MAX_IMAGE_BYTES:,} are taken.")
        return image

    def text(self, name: str, max_bytes: int) -> str | None:
        """The text of a field; None when it is absent. Raises InvalidParameter."""
        content = self._content(name)
        if content is None:
            return None
        if len(content) > max_bytes:
            raise InvalidParameter(f"{name} has {len(content):,} bytes; at most {max_bytes:,} are taken.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise InvalidParameter(f"{name} is not UTF-8 text.") from None

    def _content(self, name: str) -> bytes | None:
        found = [part.content for part in self.parts if part.name == name]
        if len(found) > 1:
            raise InvalidParameter(f"The field {name} came {len(found)} times; send it once.")
        return bytes(found[0]) if found else None


def read_form(content_type: str, body: bytes) -> Form:
    """The form that a request carries; one of another content type carries no fields.

    Raises:
        MalformedRequest: the form cannot be parsed, or breaks off.

    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return Form(())
    return Form(_parts(body, options.get(b"boundary", b"")))


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
    """The parts of a multipart/form-data body, in order (RFC 7578)."""
    parts: list[_Part] = []
    header = _Part()  # of the header being read: its name and value so far
    complete = False

    def on_part_begin() -> None:
        parts.append(_Part())

    def on_header_field(data: bytes, start: int, end: int) -> None:
        header.name += data[start:end].decode("latin-1")

    def on_header_value(data: bytes, start: int, end: int) -> None:
        header.content += data[start:end]

    def on_header_end() -> None:
        if header.name.lower() == "content-disposition":
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
    return parts
