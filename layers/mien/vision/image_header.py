"""What an image file says of itself before any pixel is decoded: format, size, orientation, completeness, cost.

A few hundred bytes are enough to refuse a decompression bomb, so this is read first. Reads JPEG (ITU T.81),
PNG (W3C) and WebP (RFC 9649) containers and the orientation tag of EXIF 2.3; nothing else of them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mien.domain.errors import UndecodableImage, UnsupportedImage
from mien.domain.geometry import ImageSize

UPRIGHT = 1

_COPIES = 2  # OpenCV's Python binding copies what it has decoded
_EXIF_PREFIX = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112

# In a scan's data a 0xFF is followed by 0x00 or a restart marker; anywhere, more of them are padding.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)
_MAX_JPEG_SEGMENTS = 10_000  # cameras write dozens
_JPEG_START_OF_SCAN = 0xDA
_JPEG_END_OF_IMAGE = 0xD9
_JPEG_APP1 = 0xE1
_JPEG_PROGRESSIVE = 0xC2
_JPEG_HUFFMAN_FRAMES = {0xC0, 0xC1, _JPEG_PROGRESSIVE}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_ONCE = {b"IHDR", b"PLTE", b"tRNS", b"IEND"}
_PNG_COLOURS_WITH_ALPHA = {4, 6}

_WEBP_ALPHA_FLAG = 0x10
_WEBP_ANIMATION_FRAME_HEADER = 16
_VP8L_ALPHA_FLAG = 1 << 28


class ImageFormat(StrEnum):
    """The formats Mien reads."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What is to be known of an image before it is decoded.

    `size` is as stored, before `orientation` (EXIF, 1-8) is applied. `memory` is about how many bytes decoding takes,
    the pixels among them: 8-bit BGR, or BGRA in the file's depth where `has_alpha`. A JPEG goes over its pixels once
    in each of its `scans`. `still` is the file without metadata and later frames, as far as they cost a decoder.
    """

    format: ImageFormat
    size: ImageSize
    orientation: int
    has_alpha: bool
    memory: int
    scans: int
    still: bytes


def read_header(data: bytes) -> ImageHeader:
    """Read the header of a whole JPEG, PNG or WebP file, told by its bytes.

    Raises:
        UnsupportedImage: the bytes start like none of the three formats.
        UndecodableImage: they do, but the file is truncated, its structure is broken, or it is a JPEG that is not
            Huffman coded in 8 bits.

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
    size, orientation, memory, scans = None, UPRIGHT, 0, 0
    for marker, start, end in _jpeg_segments(data):
        if marker == _JPEG_START_OF_SCAN:
            scans += 1
        elif marker in _JPEG_FRAMES and size is None:
            bits, height, width, components = struct.unpack_from(">BHHB", data, start)
            if marker not in _JPEG_HUFFMAN_FRAMES or bits != 8:
                raise UndecodableImage("The JPEG is of a rare kind: only Huffman coding in 8 bits is read.")
            size = ImageSize(width, height)
            memory = _COPIES * 3 * size.pixels
            if marker == _JPEG_PROGRESSIVE:
                coefficients = _jpeg_coefficients(size, data[start + 7 : start + 6 + 3 * components : 3])
                memory = max(memory, 3 * size.pixels + 2 * coefficients)
        elif marker == _JPEG_APP1 and data.startswith(_EXIF_PREFIX, start):
            orientation = _exif_orientation(data[start + len(_EXIF_PREFIX) : end])
    if size is None or not scans:
        raise UndecodableImage("The JPEG has no frame header before its data.")
    return ImageHeader(ImageFormat.JPEG, size, orientation, False, memory, scans, data)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's payload, up to the end of the image. Raises UndecodableImage."""
    position = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        found = _JPEG_MARKER.search(data, position)
        if found is None:
            raise UndecodableImage("The JPEG is truncated: its end is missing.")
        marker, start = found[1][0], found.end()
        if marker == _JPEG_END_OF_IMAGE:
            return
        (length,) = struct.unpack_from(">H", data, start)
        position = start + max(length, 2)
        yield marker, start + 2, position
    raise UndecodableImage(f"The JPEG has more than {_MAX_JPEG_SEGMENTS:,} segments.")


def _jpeg_coefficients(size: ImageSize, sampling: bytes) -> int:
    """How many a frame has, given a byte for each component: its horizontal and vertical sampling factor."""
    factors = [(byte >> 4, byte & 15) for byte in sampling]
    whole = max((h for h, _ in factors), default=1) * max((v for _, v in factors), default=1)
    return size.pixels * sum(h * v for h, v in factors) // max(whole, 1)


def _read_png(data: bytes) -> ImageHeader:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR":
        raise UndecodableImage("The PNG is corrupt: it does not begin with a header.")
    orientation, has_alpha, position = UPRIGHT, colour in _PNG_COLOURS_WITH_ALPHA, len(_PNG_SIGNATURE)
    still, seen = [_PNG_SIGNATURE], set()
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        kind, end = data[position + 4 : position + 8], position + length + 12
        if end > len(data):
            raise UndecodableImage("The PNG is truncated: its end is missing.")
        if kind == b"IDAT" or (kind in _PNG_ONCE and kind not in seen):
            still.append(data[position:end])
            seen.add(kind)
        if kind == b"eXIf":
            orientation = _exif_orientation(data[position + 8 : position + 8 + length])
        elif kind == b"tRNS":
            has_alpha = True
        elif kind == b"IEND":
            break
        position = end
    size = ImageSize(width, height)
    memory = size.pixels * _COPIES * (4 * max(bits, 8) // 8 if has_alpha else 3)
    return ImageHeader(ImageFormat.PNG, size, orientation, has_alpha, memory, 1, b"".join(still))


def _read_webp(data: bytes) -> ImageHeader:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = riff_size + 8
    if end > len(data):
        raise UndecodableImage("The WebP is truncated: it is shorter than it says.")
    canvas, orientation, alpha = None, UPRIGHT, b""
    image: tuple[bytes, bytes] | None = None
    for kind, start, stop in _webp_chunks(data, 12, end):
        if kind == b"VP8X":
            canvas = ImageSize(_int24(data, start + 4) + 1, _int24(data, start + 7) + 1)
        elif kind == b"EXIF":
            orientation = _exif_orientation(data[start:stop].removeprefix(_EXIF_PREFIX))
        elif image is None and kind == b"ALPH":
            alpha = data[start:stop]
        elif image is None and kind in (b"VP8 ", b"VP8L"):
            image = kind, data[start:stop]
    if image is None:
        raise UndecodableImage("The WebP has no image data.")
    return _webp_header(canvas, orientation, alpha, *image)


def _webp_header(canvas: ImageSize | None, orientation: int, alpha: bytes, kind: bytes, coded: bytes) -> ImageHeader:
    """Of a WebP whose first image has these chunks."""
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", coded, 1)
        size, has_alpha = ImageSize((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1), bool(bits & _VP8L_ALPHA_FLAG)
        memory = size.pixels * (4 + 3 + has_alpha)  # libwebp decodes to four bytes a pixel, then converts
        still = _webp_chunk(kind, coded)
    else:
        width, height = struct.unpack_from("<HH", coded, 6)
        size, has_alpha = ImageSize(width & 0x3FFF, height & 0x3FFF), bool(alpha)
        memory = size.pixels * (_COPIES * (3 + has_alpha) + has_alpha)
        still = _webp_chunk(kind, coded)
        if has_alpha:
            sides = b"".join(max(side - 1, 0).to_bytes(3, "little") for side in (size.width, size.height))
            extended = bytes((_WEBP_ALPHA_FLAG, 0, 0, 0)) + sides
            still = _webp_chunk(b"VP8X", extended) + _webp_chunk(b"ALPH", alpha) + still
    if canvas not in (None, size):
        raise UndecodableImage("The WebP's first image does not fill the canvas that it declares.")
    riff = b"RIFF" + struct.pack("<I", len(still) + 4) + b"WEBP" + still
    return ImageHeader(ImageFormat.WEBP, size, orientation, has_alpha, memory, 1, riff)


def _webp_chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk's payload; for a frame of an animation, of the chunks in it."""
    while position + 8 <= end:
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        start = position + 8
        if kind == b"ANMF":
            position = start + _WEBP_ANIMATION_FRAME_HEADER
        else:
            yield kind, start, min(start + length, end)
            position = start + length + length % 2


def _webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def _int24(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 3], "little")


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
