"""What is fuzzed with: valid images and bodies, taken apart into what they are made of, changed, and put together."""

from __future__ import annotations

import functools
import json
import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import strategies as st
from PIL import Image as Pillow
from requests import Request

from tests.hostile import TURNED, black_png, file_of, scene

IMAGE = "image"
"""The content type of an input that is decoded; any other is a request's."""

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x3FFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes, and what they are said to be."""

    kind: str
    data: bytes


@functools.cache
def images() -> tuple[bytes, ...]:
    """A small valid file of every kind that is decoded."""
    rgb = scene(64, 48)
    exif, profile = b"Exif\0\0" + TURNED, bytes(300)
    rest = [rgb.rotate(90), rgb.rotate(180)]
    return (
        file_of(rgb, "JPEG", exif=exif, icc_profile=profile),
        file_of(rgb, "JPEG", progressive=True, subsampling=0),
        file_of(rgb, "JPEG", restart_marker_blocks=2),
        file_of(rgb.convert("L"), "JPEG"),
        file_of(rgb.convert("CMYK"), "JPEG"),
        file_of(rgb, "MPO", save_all=True, append_images=rest),
        file_of(rgb, "PNG", exif=exif, icc_profile=profile),
        file_of(rgb.convert("P"), "PNG", transparency=1),
        file_of(rgb.convert("RGBA"), "PNG"),
        file_of(rgb.convert("LA"), "PNG"),
        file_of(rgb.convert("1"), "PNG"),
        file_of(Pillow.new("I;16", (64, 48), 3000), "PNG"),
        black_png((64, 48), 16, 6, interlaced=True),
        file_of(rgb, "PNG", save_all=True, append_images=rest),
        file_of(rgb, "WEBP", exif=exif, icc_profile=profile),
        file_of(rgb, "WEBP", lossless=True),
        file_of(rgb.convert("RGBA"), "WEBP"),
        file_of(rgb, "WEBP", save_all=True, append_images=rest),
    )


@functools.cache
def requests() -> tuple[Input, ...]:
    """A small valid body of every kind that is read."""
    files = [("face_image", ('фо"то.jpg', b"\xff\xd8" * 50)), ("additional_face_image_0", ("", b"\r\n--" * 30))]
    form = Request("POST", "http://localhost", files=files, data={"metadata": "é"}).prepare()
    assert isinstance(form.body, bytes)
    image = b64encode(bytes(300)).decode()
    return (
        Input(form.headers["content-type"], form.body),
        Input('multipart/form-data; boundary="a b"', b"--a b\r\nA: b\r\n\r\n\r\n--a b--\r\n"),
        Input("application/json", json.dumps({"image": image, "metadata": "\ud800"}).encode()),
        Input("application/json", json.dumps({"image": f"data:image/png;base64,{image}"}).encode()),
        Input("image/png", bytes(100)),
    )


def pieces(data: bytes) -> list[bytes]:
    """The chunks, segments or lines that make up a file or a body."""
    if data.startswith(b"\x89PNG"):
        return [data[:8], *_split(data, 8, _png_chunk_size)]
    if data.startswith(b"RIFF"):
        return [data[:12], *_split(data, 12, _webp_chunk_size)]
    if data.startswith(b"\xff\xd8"):
        return re.split(rb"(?=\xff[^\x00\xff])", data)[1:]
    return data.splitlines(keepends=True)


def _split(data: bytes, position: int, size: Callable[[bytes, int], int]) -> Iterator[bytes]:
    while position < len(data):
        end = position + size(data, position)
        yield data[position:end]
        position = end


def _png_chunk_size(data: bytes, position: int) -> int:
    return 12 + int.from_bytes(data[position : position + 4], "big")


def _webp_chunk_size(data: bytes, position: int) -> int:
    length = int.from_bytes(data[position + 4 : position + 8], "little")
    return 8 + length + length % 2


def joined(parts: list[bytes]) -> bytes:
    """Put together, with the sums and sizes right that a decoder looks at first."""
    if parts and parts[0].startswith(b"\x89PNG"):
        return parts[0] + b"".join(_with_sum(part) for part in parts[1:])
    data = b"".join(parts)
    return data[:4] + struct.pack("<I", max(len(data) - 8, 0)) + data[8:] if data.startswith(b"RIFF") else data


def _with_sum(chunk: bytes) -> bytes:
    return chunk[:-4] + struct.pack(">I", zlib.crc32(chunk[4:-4])) if len(chunk) >= 12 else chunk


@st.composite
def changed(draw: st.DrawFn, valid: bytes, other: bytes) -> bytes:
    """A file with its pieces shuffled, dropped, repeated, taken from another file, and changed inside."""
    parts = pieces(valid)
    for _ in range(draw(st.integers(0, 4))):
        first = min(1, len(parts) - 1) if draw(st.integers(0, 9)) else 0  # the name at the front is mostly left
        at = draw(st.integers(first, len(parts) - 1))
        how = draw(st.sampled_from(("swap", "drop", "repeat", "take", "byte", "number", "cut")))
        part = parts[at]
        if how == "swap":
            to = draw(st.integers(first, len(parts) - 1))
            parts[at], parts[to] = parts[to], part
        elif how == "drop" and len(parts) > 1:
            del parts[at]
        elif how == "repeat":
            parts[at : at + 1] = [part] * draw(st.sampled_from((2, 3, 50)))
        elif how == "take":
            parts.insert(at, draw(st.sampled_from(pieces(other))))
        elif how == "byte" and part:
            position = draw(st.integers(0, len(part) - 1))
            parts[at] = part[:position] + bytes((draw(st.integers(0, 255)),)) + part[position + 1 :]
        elif how == "number" and part:
            number = struct.pack(draw(st.sampled_from("<>")) + "I", draw(st.sampled_from(_NUMBERS)))
            width, position = draw(st.sampled_from((2, 4))), draw(st.integers(0, min(len(part) - 1, 40)))
            number = number[:width] if number[0] else number[-width:]
            parts[at] = part[:position] + number + part[position + width :]
        elif how == "cut":
            parts[at] = part[: draw(st.integers(0, len(part)))]
    data = bytearray(joined(parts))
    for _ in range(draw(st.integers(0, 2))):
        if len(data) > 12:
            data[draw(st.integers(12, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.integers(0, 9)) == 0 else bytes(data)


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    """Four images to each body."""
    if draw(st.integers(0, 4)):
        valid, other = draw(st.sampled_from(images())), draw(st.sampled_from(images()))
        return Input(IMAGE, draw(changed(valid, other)))
    body, other_body = draw(st.sampled_from(requests())), draw(st.sampled_from(requests()))
    return Input(body.kind, draw(changed(body.data, other_body.data)))
