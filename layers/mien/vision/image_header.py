"""What an image file says of itself before any pixel is decoded: format, size, orientation, completeness.

A few hundred bytes are enough to refuse a decompression bomb, so this is read first. Reads JPEG (ITU T.81),
PNG (W3C) and WebP (RFC 9649) containers and the orientation tag of EXIF 2.3; nothing else of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mien.domain.errors import UndecodableImage, UnsupportedImage
from mien.domain.geometry import ImageSize

UPRIGHT = 1

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112
_JPEG_START_OF_SCAN = 0xDA
_JPEG_END_OF_IMAGE = 0xD9
_JPEG_APP1 = 0xE1
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_JPEG_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class ImageFormat(StrEnum):
    """The formats Mien reads."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """`size` is as stored, before `orientation` (EXIF, 1-8) is applied."""

    format: ImageFormat
    size: ImageSize
    orientation: int


def read_header(data: bytes) -> ImageHeader:
    """Read the header of a whole JPEG, PNG or WebP file, told by its bytes.

    Raises:
        UnsupportedImage: the bytes start like none of the three formats.
        UndecodableImage: they do, but the file is truncated or its structure is broken.

    """
    try:
        if data[:3] == b"\xff\xd8\xff":
            return _read_jpeg(data)
        if data[:8] == _PNG_SIGNATURE:
            return _read_png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _read_webp(data)
    except (struct.error, IndexError):
        raise UndecodableImage("The image is truncated: its header is not complete.") from None
    raise UnsupportedImage("The file is not a JPEG, PNG or WebP image.")


def _read_jpeg(data: bytes) -> ImageHeader:
    size, orientation = None, UPRIGHT
    for marker, start, end in _jpeg_segments(data):
        if marker in _JPEG_FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = ImageSize(width, height)
        elif marker == _JPEG_APP1 and data.startswith(_EXIF_PREFIX, start):
            orientation = _exif_orientation(data[start + len(_EXIF_PREFIX) : end])
        elif marker == _JPEG_START_OF_SCAN:
            # A 0xFF inside compressed data is always followed by 0x00 or a restart marker.
            if data.find(bytes((0xFF, _JPEG_END_OF_IMAGE)), end) < 0:
                raise UndecodableImage("The JPEG is truncated: its end is missing.")
            break
    if size is None:
        raise UndecodableImage("The JPEG has no frame header before its data.")
    return ImageHeader(ImageFormat.JPEG, size, orientation)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's payload, up to the first scan."""
    position = 2
    while True:
        if data[position] != 0xFF:
            raise UndecodableImage("The JPEG is corrupt: a segment marker is missing.")
        marker = data[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        position += 2
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        if marker == _JPEG_END_OF_IMAGE:
            return
        (length,) = struct.unpack_from(">H", data, position)
        yield marker, position + 2, position + max(length, 2)
        position += max(length, 2)


def _read_png(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", data, 16)
    if data[12:16] != b"IHDR":
        raise UndecodableImage("The PNG is corrupt: it does not begin with a header.")
    orientation, position = UPRIGHT, len(_PNG_SIGNATURE)
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        if kind == b"eXIf":
            orientation = _exif_orientation(data[position + 8 : position + 8 + length])
        position += length + 12
        if position > len(data):
            raise UndecodableImage("The PNG is truncated: its end is missing.")
        if kind == b"IEND":
            return ImageHeader(ImageFormat.PNG, ImageSize(width, height), orientation)


def _read_webp(data: bytes) -> ImageHeader:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = riff_size + 8
    if end > len(data):
        raise UndecodableImage("The WebP is truncated: it is shorter than it says.")
    size, orientation, position = None, UPRIGHT, 12
    while position + 8 <= end:
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        payload = position + 8
        if size is None:
            size = _webp_size(kind, data, payload)
        if kind == b"EXIF":
            exif = data[payload : payload + length]
            orientation = _exif_orientation(exif.removeprefix(_EXIF_PREFIX))
        position = payload + length + length % 2
    if size is None:
        raise UndecodableImage("The WebP has no image data.")
    return ImageHeader(ImageFormat.WEBP, size, orientation)


def _webp_size(kind: bytes, data: bytes, payload: int) -> ImageSize | None:
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[payload + i : payload + i + 3], "little") for i in (4, 7))
        return ImageSize(width + 1, height + 1)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, payload + 1)
        return ImageSize((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, payload + 6)
        return ImageSize(width & 0x3FFF, height & 0x3FFF)
    return None


def _exif_orientation(tiff: bytes) -> int:
    """The orientation, 1-8; upright when the block has none or is broken, as viewers do."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == _ORIENTATION_TAG:
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT
