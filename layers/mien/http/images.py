"""Reading the image out of a request."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.domain.errors import ImageTooLarge, InvalidParameter, MalformedRequest, MissingField
from mien.http.limits import MAX_IMAGE_BYTES


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


def read_images(content_type: str, body: bytes, *field_names: str) -> list[bytes]:
    """The image files that a request carries in these form fields, in their order.

    Raises:
        MissingField: the request is no form, or a field is absent or empty.
        InvalidParameter: a field came more than once.
        MalformedRequest: the form cannot be parsed, or breaks off.
        ImageTooLarge: a file is larger than the synchronous API takes.

    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        fields = " and ".join(field_names)
        raise MissingField(f"Send multipart/form-data with an image in the field {fields}.")
    parts = _parts(body, options.get(b"boundary", b""))
    return [_file(parts, field_name) for field_name in field_names]


def _file(parts: list[_Part], field_name: str) -> bytes:
    files = [part.content for part in parts if part.name == field_name]
    if len(files) > 1:
        raise InvalidParameter(f"The field {field_name} came {len(files)} times; send one image.")
    if not files or not files[0]:
        raise MissingField(f"The field {field_name} is {'empty' if files else 'missing'}.")
    if len(files[0]) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"The image has {len(files[0]):,} bytes; at most {MAX_IMAGE_BYTES:,} are taken.")
    return bytes(files[0])


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
