"""Images that mean harm, or that only look so: each has a name and the status that the API must answer with.

All are made by code. What is wrong with an image is in its bytes; those without a fault are extreme in what the
formats and the limits allow, and must be answered.
"""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from mien.http.limits import MAX_IMAGE_BYTES

OK, TOO_LARGE, UNSUPPORTED, UNDECODABLE = 200, 413, 415, 422
LIMIT, OVER_LIMIT = (8000, 5000), (13_267, 3015)
"""Width and height of 40 megapixels, and of five pixels more."""

GREY, PALETTE, GREY_ALPHA, RGBA = 0, 3, 4, 6
"""Colour types of PNG, beside 2, which is RGB."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """An image, made when it is asked for, and the status that answers it."""

    name: str
    status: int
    make: Callable[[], bytes]


# Files of each format, part by part


def jpeg_segment(marker: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_frame(
    size: tuple[int, int], marker: int = 0xC0, sampling: Sequence[int] = (0x11,) * 3, bits: int = 8
) -> bytes:
    """A frame header; `sampling` has a byte for each component."""
    components = b"".join(bytes((number, factors, 0)) for number, factors in enumerate(sampling, 1))
    return jpeg_segment(marker, struct.pack(">BHHB", bits, size[1], size[0], len(sampling)) + components)


def jpeg_scan(components: Sequence[int], first: int = 0, last: int = 63, precision: int = 0) -> bytes:
    """The header of a scan; `precision` is the high and the low bit position."""
    selectors = b"".join(bytes((number, 0)) for number in components)
    return jpeg_segment(0xDA, bytes((len(components),)) + selectors + bytes((first, last, precision)))


def jpeg_tables() -> bytes:
    """A quantisation table of ones, and Huffman tables whose only code, one bit long, is an end of block."""
    huffman = bytes((1,)) + bytes(15) + bytes(1)
    return jpeg_segment(0xDB, bytes(1) + bytes([1] * 64)) + b"".join(
        jpeg_segment(0xC4, bytes((kind,)) + huffman) for kind in (0x00, 0x10)
    )


def jpeg_file(*parts: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def png_chunk(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png_header(size: tuple[int, int], bits: int = 8, colour: int = 2, interlaced: bool = False) -> bytes:
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, interlaced))


def png_file(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@functools.cache
def deflated_zeros(size: int) -> bytes:
    """A zlib stream of so many zeros."""
    stream, block = zlib.compressobj(1), bytes(1 << 20)
    whole = b"".join(stream.compress(block) for _ in range(size >> 20))
    return whole + stream.compress(bytes(size & 0xFFFFF)) + stream.flush()


def black_png(
    size: tuple[int, int], bits: int = 8, colour: int = 2, interlaced: bool = False, before: Iterable[bytes] = ()
) -> bytes:
    """A whole PNG of zeros, with chunks before its data."""
    channels = {GREY: 1, 2: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}[colour]
    filter_bytes = size[1] * (2 if interlaced else 1)  # Adam7 has about twice as many lines
    data = deflated_zeros((size[0] * bits * channels + 7) // 8 * size[1] + filter_bytes + 64 * interlaced)
    return png_file(png_header(size, bits, colour, interlaced), *before, png_chunk(b"IDAT", data), png_chunk(b"IEND"))


def webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def webp_file(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_extended(size: tuple[int, int], flags: int = 0) -> bytes:
    """A VP8X chunk: flags 0x02 animation, 0x08 EXIF, 0x10 alpha, 0x20 ICC."""
    width, height = (side - 1 for side in size)
    return webp_chunk(b"VP8X", struct.pack("<I", flags) + width.to_bytes(3, "little") + height.to_bytes(3, "little"))


def webp_payload(data: bytes) -> bytes:
    """The bitstream of a plain lossy or lossless WebP."""
    (length,) = struct.unpack_from("<I", data, 16)
    return data[20 : 20 + length]


def exif(*entries: tuple[int, int, int, bytes], order: str = "<", directory: int = 8) -> bytes:
    """A TIFF block of one directory; an entry is tag, type, count and four bytes of value."""
    mark = {"<": b"II", ">": b"MM"}[order]
    packed = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    head = mark + struct.pack(f"{order}HI", 42, directory)
    return head + struct.pack(f"{order}H", len(entries)) + packed + struct.pack(f"{order}I", 8)  # the next is itself


def exif_jpeg(block: bytes) -> bytes:
    return inserted(picture("JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + block))


def oriented(kind: int, count: int, value: bytes, order: str = "<") -> bytes:
    return exif_jpeg(exif((ORIENTATION, kind, count, value), order=order))


def inserted(jpeg: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments put after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


# Pictures


@functools.cache
def scene(width: int = 200, height: int = 120, mode: str = "RGB") -> Pillow.Image:
    """A picture without faces that compresses neither to nothing nor badly."""
    image = Pillow.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for step in range(12):
        draw.ellipse((step * width // 12, height // 4, (step + 3) * width // 12, height * 3 // 4), (step * 20, 90, 200))
    return image.convert(mode)


def file_of(image: Pillow.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    return file_of(scene(mode=mode), kind, **options)


def animation(kind: str, size: tuple[int, int] = (200, 120), frames: int = 3) -> bytes:
    first = scene(*size)
    rest = [first.rotate(30 * number) for number in range(1, frames)]
    return file_of(first, kind, save_all=True, append_images=rest, duration=100)


@functools.cache
def large(extension: str, channels: int = 3, *options: int) -> bytes:
    """40 megapixels in blocks of colour, as OpenCV writes them."""
    width, height = LIMIT
    blocks = np.random.default_rng(1).integers(0, 255, (height // 100, width // 100, channels), np.uint8)
    done, data = cv2.imencode(extension, np.repeat(np.repeat(blocks, 100, 0), 100, 1), options)
    assert done
    return bytes(data)


def patched(data: bytes, position: int, value: bytes) -> bytes:
    return data[:position] + value + data[position + len(value) :]


def zip_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.txt", content)
    return buffer.getvalue()


def empty_scans(size: tuple[int, int], scans: int) -> bytes:
    """A progressive JPEG of a few hundred kilobytes that refines nothing, again and again."""
    return jpeg_file(
        jpeg_tables(), jpeg_frame(size, 0xC2), jpeg_scan((1, 2, 3), 0, 0, 0x01), jpeg_scan((1,), 1, 63, 0x01) * scans
    )


@functools.cache
def noise(size: int) -> bytes:
    """Bytes of chance, none of them 0xFF."""
    return np.random.default_rng(2).integers(0, 255, size, np.uint8).tobytes()


def lossless_webp(size: tuple[int, int]) -> bytes:
    """A lossless WebP with alpha, but for its pixels."""
    bits = (size[0] - 1) | (size[1] - 1) << 14 | 1 << 28
    return webp_file(webp_chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits) + noise(1000)))


def noise_after(magic: bytes) -> bytes:
    return magic + noise(100_000)


def jpeg_of_noise(marker: int, size: tuple[int, int] = (640, 480), sampling: Sequence[int] = (0x11,) * 3) -> bytes:
    """A JPEG with this kind of frame, whose data is chance."""
    components = range(1, len(sampling) + 1)
    return jpeg_file(jpeg_tables(), jpeg_frame(size, marker, sampling), jpeg_scan(components), noise(4_000_000))


def png_of(size: tuple[int, int], data: bytes) -> bytes:
    return png_file(png_header(size), png_chunk(b"IDAT", data), png_chunk(b"IEND"))


def palette_png(pixels: bytes) -> bytes:
    """200×120 with a palette of one colour."""
    parts = (png_chunk(b"PLTE", bytes(3)), png_chunk(b"IDAT", zlib.compress(pixels)), png_chunk(b"IEND"))
    return png_file(png_header((200, 120), colour=PALETTE), *parts)


def bomb() -> bytes:
    """Less than 4 MB that inflate to 700."""
    return deflated_zeros(700_000_000)


def flipped(data: bytes, chunk: bytes) -> bytes:
    """A PNG with a bit of a chunk's payload flipped."""
    position = data.index(chunk) + 8
    return patched(data, position, bytes((data[position] ^ 1,)))


def patched_adobe(jpeg: bytes, transform: int) -> bytes:
    """A JPEG whose Adobe segment names another colour transform."""
    return patched(jpeg, jpeg.index(b"Adobe") + 11, bytes((transform,)))


@functools.cache
def textured(kind: str) -> bytes:
    """About 100 KB."""
    pixels = np.random.default_rng(3).integers(0, 255, (100, 150, 3), np.uint8)
    return file_of(Pillow.fromarray(pixels).resize((300, 200)), kind)


def cut(kind: str, kilobytes: int) -> bytes:
    return textured(kind)[: kilobytes * 1024]


def flat(kind: str, size: tuple[int, int]) -> bytes:
    return file_of(Pillow.new("RGB", size, "teal"), kind)


def png_with(*chunks: bytes) -> bytes:
    """A PNG with chunks put after its header."""
    data = picture("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def png_without(kind: bytes) -> bytes:
    data = picture("PNG")
    at = data.index(kind) - 4
    (length,) = struct.unpack_from(">I", data, at)
    return data[:at] + data[at + 12 + length :]


def webp_of(*chunks: bytes, image: bytes | None = None) -> bytes:
    """A WebP of chunks and a lossy image of 200×120."""
    return webp_file(*chunks, webp_chunk(b"VP8 ", image or webp_payload(picture("WEBP"))))


def lying_webp(size: tuple[int, int], *chunks: bytes) -> bytes:
    """A lossy WebP whose frame says another size than its data has."""
    return webp_of(*chunks, image=patched(webp_payload(picture("WEBP")), 6, struct.pack("<HH", *size)))


QUALITY_WEBP, LOSSLESS, HALF = cv2.IMWRITE_WEBP_QUALITY, 101, 50
FULL_COLOUR = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111)
PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
LARGE_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)
ORIENTATION, SHORT, LONG = 0x0112, 3, 4
MAGIC = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "WebP": b"RIFF\0\0\1\0WEBP"}
SMALL_CANVAS, WITH_ALPHA = webp_extended((64, 64)), webp_extended((200, 120), 0x10)
TURNED = exif((ORIENTATION, SHORT, 1, b"\6\0\0\0"))
THUMBNAIL = jpeg_segment(0xE1, b"Exif\0\0" + TURNED + picture("JPEG", quality=20))

SIZES = (
    Hostile("a JPEG of 65,500×1", UNDECODABLE, lambda: flat("JPEG", (65_500, 1))),
    Hostile("a JPEG of 1×65,500", UNDECODABLE, lambda: flat("JPEG", (1, 65_500))),
    Hostile("a JPEG of 65,500×16", OK, lambda: flat("JPEG", (65_500, 16))),
    Hostile("a JPEG of 16×65,500", OK, lambda: flat("JPEG", (16, 65_500))),
    Hostile("a JPEG of 65,535×16, more than libjpeg reads", UNDECODABLE, lambda: jpeg_of_noise(0xC0, (65_535, 16))),
    Hostile("a JPEG of 65,535×65,535", TOO_LARGE, lambda: jpeg_of_noise(0xC0, (65_535, 65_535))),
    Hostile("a PNG of 65,535×1", UNDECODABLE, lambda: flat("PNG", (65_535, 1))),
    Hostile("a PNG of 1×65,535", UNDECODABLE, lambda: flat("PNG", (1, 65_535))),
    Hostile("a PNG of 65,535×16", OK, lambda: flat("PNG", (65_535, 16))),
    Hostile("a PNG of 16×65,535", OK, lambda: flat("PNG", (16, 65_535))),
    Hostile("a PNG of 2,500,000×16, more than OpenCV reads", UNDECODABLE, lambda: black_png((2_500_000, 16))),
    Hostile("a PNG of 0×0", UNDECODABLE, lambda: black_png((0, 0))),
    Hostile("a PNG of 2³¹−1 squared", TOO_LARGE, lambda: png_file(png_header((2**31 - 1,) * 2), png_chunk(b"IEND"))),
    Hostile("a WebP of 16,383×16", OK, lambda: flat("WEBP", (16_383, 16))),
    Hostile("a WebP of 16×16,383", OK, lambda: flat("WEBP", (16, 16_383))),
    Hostile("a WebP of 16,383×15", UNDECODABLE, lambda: flat("WEBP", (16_383, 15))),
)

FORTY_MEGAPIXELS = (
    Hostile("40 MP JPEG", OK, lambda: large(".jpg")),
    Hostile("40 MP JPEG, turned", OK, lambda: inserted(large(".jpg"), jpeg_segment(0xE1, b"Exif\0\0" + TURNED))),
    Hostile("40 MP JPEG, full colour", OK, lambda: large(".jpg", 3, *FULL_COLOUR)),
    Hostile("40 MP JPEG, grey", OK, lambda: large(".jpg", 1)),
    Hostile("40 MP JPEG, progressive", OK, lambda: large(".jpg", 3, *PROGRESSIVE)),
    Hostile("40 MP JPEG, progressive, full colour", TOO_LARGE, lambda: large(".jpg", 3, *PROGRESSIVE, *FULL_COLOUR)),
    Hostile("40 MP JPEG of noise", OK, lambda: jpeg_of_noise(0xC0, LIMIT)),
    Hostile("40 MP PNG", OK, lambda: large(".png", 3, *LARGE_PNG)),
    Hostile("40 MP PNG of zeros", OK, lambda: black_png(LIMIT)),
    Hostile("40 MP PNG of one bit", OK, lambda: black_png(LIMIT, 1, GREY)),
    Hostile("40 MP PNG, grey", OK, lambda: black_png(LIMIT, 8, GREY)),
    Hostile("40 MP PNG, 16 bits", OK, lambda: black_png(LIMIT, 16)),
    Hostile("40 MP PNG, interlaced", OK, lambda: black_png(LIMIT, interlaced=True)),
    Hostile("40 MP PNG with alpha", TOO_LARGE, lambda: black_png(LIMIT, colour=RGBA)),
    Hostile("35 MP PNG with alpha", OK, lambda: black_png((7000, 5000), colour=RGBA)),
    Hostile("17 MP PNG with alpha, 16 bits", OK, lambda: black_png((3500, 5000), 16, RGBA)),
    Hostile("17 MP PNG, grey with alpha, 16 bits", OK, lambda: black_png((3500, 5000), 16, GREY_ALPHA)),
    Hostile("40 MP PNG with alpha, 16 bits", TOO_LARGE, lambda: black_png(LIMIT, 16, RGBA)),
    Hostile("40 MP WebP", OK, lambda: large(".webp", 3, QUALITY_WEBP, HALF)),
    Hostile("40 MP WebP, lossless", OK, lambda: large(".webp", 3, QUALITY_WEBP, LOSSLESS)),
    Hostile(
        "40 MP WebP with alpha",
        TOO_LARGE,
        lambda: lying_webp(LIMIT, webp_extended(LIMIT, 0x10), webp_chunk(b"ALPH", bytes(9))),
    ),
    Hostile("40 MP WebP with alpha, lossless", TOO_LARGE, lambda: lossless_webp(LIMIT)),
    Hostile("five pixels over, JPEG", TOO_LARGE, lambda: jpeg_of_noise(0xC0, OVER_LIMIT)),
    Hostile("five pixels over, PNG", TOO_LARGE, lambda: black_png(OVER_LIMIT, 1, GREY)),
    Hostile("five pixels over, WebP", TOO_LARGE, lambda: lying_webp(OVER_LIMIT)),
)

JPEGS = (
    Hostile("a progressive JPEG", OK, lambda: picture("JPEG", progressive=True)),
    Hostile("9,000 scans of 16×16", OK, lambda: empty_scans((16, 16), 9_000)),
    Hostile("300,000 scans of 16×16", UNDECODABLE, lambda: empty_scans((16, 16), 300_000)),
    Hostile("81 scans of 12 MP", OK, lambda: empty_scans((4000, 3000), 80)),
    Hostile("33 scans of 30 MP", OK, lambda: empty_scans((7500, 4000), 32)),
    Hostile("9,000 scans of 30 MP", TOO_LARGE, lambda: empty_scans((6000, 5000), 9_000)),
    Hostile("a number of lines to be given later (DNL)", UNDECODABLE, lambda: jpeg_of_noise(0xC0, (640, 0))),
    Hostile("a restart after every block", OK, lambda: picture("JPEG", restart_marker_blocks=1)),
    Hostile("arithmetic coding", UNDECODABLE, lambda: jpeg_of_noise(0xC9)),
    Hostile("arithmetic coding, 40 MP", UNDECODABLE, lambda: jpeg_of_noise(0xC9, LIMIT)),
    Hostile("lossless", UNDECODABLE, lambda: jpeg_of_noise(0xC3)),
    Hostile("hierarchical", UNDECODABLE, lambda: jpeg_of_noise(0xC5)),
    Hostile(
        "12 bits", UNDECODABLE, lambda: jpeg_file(jpeg_tables(), jpeg_frame((64, 64), bits=12), jpeg_scan((1, 2, 3)))
    ),
    Hostile("two components", UNDECODABLE, lambda: jpeg_of_noise(0xC0, sampling=(0x11, 0x11))),
    Hostile("no components", UNDECODABLE, lambda: jpeg_of_noise(0xC0, sampling=())),
    Hostile("sampling factors of zero", UNDECODABLE, lambda: jpeg_of_noise(0xC2, sampling=(0, 0, 0))),
    Hostile("sampling factors of fifteen", UNDECODABLE, lambda: jpeg_of_noise(0xC2, sampling=(0xFF, 0x11, 0x11))),
    Hostile("CMYK", OK, lambda: picture("JPEG", "CMYK")),
    Hostile("YCCK", OK, lambda: patched_adobe(picture("JPEG", "CMYK"), 2)),
    Hostile("an unknown Adobe transform", OK, lambda: patched_adobe(picture("JPEG", "CMYK"), 77)),
    Hostile("two starts", UNDECODABLE, lambda: b"\xff\xd8" + picture("JPEG")),
    Hostile("two images one after the other", OK, lambda: picture("JPEG") * 2),
    Hostile("a second frame header", UNDECODABLE, lambda: inserted(picture("JPEG"), jpeg_frame((16, 16)))),
    Hostile("a thumbnail with an end in it", OK, lambda: inserted(picture("JPEG"), THUMBNAIL)),
    Hostile("a thumbnail, and then nothing", UNDECODABLE, lambda: b"\xff\xd8" + THUMBNAIL),
    Hostile("only a start and an end", UNDECODABLE, lambda: b"\xff\xd8\xff\xd9"),
    Hostile("no Huffman tables", OK, lambda: jpeg_file(jpeg_tables()[:69], jpeg_frame((64, 64)), jpeg_scan((1, 2, 3)))),
    Hostile("no quantisation table", UNDECODABLE, lambda: jpeg_file(jpeg_frame((64, 64)), jpeg_scan((1, 2, 3)))),
    Hostile("two pictures (MPO)", OK, lambda: animation("MPO")),
    Hostile("4 MB after the end", OK, lambda: picture("JPEG") + bytes(4_000_000)),
    Hostile("4 MB of padding", OK, lambda: inserted(picture("JPEG"), b"\xff" * 4_000_000)),
    Hostile("a million comments", UNDECODABLE, lambda: inserted(picture("JPEG"), jpeg_segment(0xFE) * 1_000_000)),
    Hostile("a million restart markers", OK, lambda: inserted(picture("JPEG"), b"\xff\xd0" * 1_000_000)),
    Hostile(
        "ICC pieces that lie of their number",
        OK,
        lambda: inserted(picture("JPEG"), jpeg_segment(0xE2, b"ICC_PROFILE\0\xc8\3")),
    ),
    Hostile(
        "a comment of HTML", OK, lambda: inserted(picture("JPEG"), jpeg_segment(0xFE, b"<script>alert(1)</script>"))
    ),
)

EXIF = (
    *(
        Hostile(f"orientation {value}", OK, functools.partial(oriented, SHORT, 1, struct.pack("<HH", value, 0)))
        for value in (0, 9, 65_535)
    ),
    Hostile("orientation as a long", OK, lambda: oriented(LONG, 1, b"\6\0\0\0")),
    Hostile("orientation as a long, big-endian", OK, lambda: oriented(LONG, 1, b"\0\0\0\6", ">")),
    Hostile("two orientations", OK, lambda: oriented(SHORT, 2, b"\6\0\3\0")),
    Hostile("a directory beyond the end", OK, lambda: exif_jpeg(exif(directory=2**32 - 1))),
    Hostile("a directory that is its own next", OK, lambda: exif_jpeg(exif((0x8769, LONG, 1, b"\x08\0\0\0")))),
    Hostile("65,535 entries", OK, lambda: exif_jpeg(exif() [:8] + b"\xff\xff" + bytes(60_000))),
    Hostile("EXIF without anything", OK, lambda: exif_jpeg(b"")),
    Hostile("EXIF of noise", OK, lambda: exif_jpeg(b"II*\0" + noise(60_000))),
    Hostile("4 MB of EXIF in a PNG", OK, lambda: png_with(png_chunk(b"eXIf", b"II*\0" + noise(4_000_000)))),
)  # fmt: skip

PNGS = (
    Hostile("an interlaced PNG", OK, lambda: black_png((200, 120), interlaced=True)),
    Hostile("16 bits with alpha", OK, lambda: black_png((200, 120), 16, RGBA)),
    Hostile("an animated PNG", OK, lambda: animation("PNG")),
    Hostile("a colour that is transparent", OK, lambda: png_with(png_chunk(b"tRNS", bytes(6)))),
    Hostile("a palette without colours", UNDECODABLE, lambda: black_png((200, 120), colour=PALETTE)),
    Hostile("colours beyond the palette", OK, lambda: palette_png(b"".join(bytes(1) + noise(200) for _ in range(120)))),
    Hostile("data that inflates to 700 MB more than declared", OK, lambda: png_of((64, 64), bomb())),
    Hostile("data that inflates to less than declared", UNDECODABLE, lambda: png_of(LIMIT, deflated_zeros(1000))),
    Hostile("data that is not zlib's", UNDECODABLE, lambda: png_of((64, 64), noise(5000))),
    Hostile("iCCP that inflates to 700 MB", OK, lambda: png_with(png_chunk(b"iCCP", b"icc\0\0" + bomb()))),
    Hostile("zTXt that inflates to 700 MB", OK, lambda: png_with(png_chunk(b"zTXt", b"Comment\0\0" + bomb()))),
    Hostile("iTXt that inflates to 700 MB", OK, lambda: png_with(png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb()))),
    Hostile("300,000 texts", OK, lambda: png_with(png_chunk(b"tEXt") * 300_000)),
    Hostile("250,000 palettes", OK, lambda: png_with(png_chunk(b"PLTE", bytes(3)) * 250_000)),
    Hostile("300,000 empty pieces of data", OK, lambda: png_with(png_chunk(b"IDAT") * 300_000)),
    Hostile("an unknown critical chunk", OK, lambda: png_with(png_chunk(b"NOPE", noise(100)))),
    Hostile("a chunk of 4 GB", UNDECODABLE, lambda: png_with(b"\xff\xff\xff\xfftEXt")),
    Hostile("a bit of data flipped", UNDECODABLE, lambda: flipped(picture("PNG"), b"IDAT")),
    Hostile("a bit of the height flipped", TOO_LARGE, lambda: flipped(picture("PNG"), b"IHDR")),
    Hostile("no header", UNDECODABLE, lambda: png_without(b"IHDR")),
    Hostile("no data", UNDECODABLE, lambda: png_without(b"IDAT")),
    Hostile("no end", UNDECODABLE, lambda: png_without(b"IEND")),
    Hostile("a text of HTML", OK, lambda: png_with(png_chunk(b"tEXt", b"Comment\0<script>alert(1)</script>"))),
    Hostile("bytes after the end", OK, lambda: picture("PNG") + b"<html>" * 1000),
    Hostile("three bits a sample", UNDECODABLE, lambda: black_png((64, 64), 3)),
)

WEBPS = (
    Hostile("a lossless WebP", OK, lambda: picture("WEBP", lossless=True)),
    Hostile("a WebP with alpha", OK, lambda: picture("WEBP", "RGBA")),
    Hostile("an animated WebP", OK, lambda: animation("WEBP")),
    Hostile("an animated WebP of 12 MP", OK, lambda: animation("WEBP", (4000, 3000), 2)),
    Hostile("a small canvas around a large frame", UNDECODABLE, lambda: lying_webp((16_383, 2_441), SMALL_CANVAS)),
    Hostile("a large canvas around a small frame", UNDECODABLE, lambda: webp_of(webp_extended(LIMIT))),
    Hostile("a canvas of 16,777,216 squared", UNDECODABLE, lambda: webp_of(webp_extended((2**24, 2**24)))),
    Hostile("a frame that says 40 MP and is not", UNDECODABLE, lambda: lying_webp((16_383, 2_441))),
    Hostile("a frame of 0×0", UNDECODABLE, lambda: lying_webp((0, 0))),
    Hostile("160,000 frames in frames", OK, lambda: webp_of(webp_chunk(b"ANMF", bytes(16)) * 160_000)),
    Hostile("alpha of noise", UNDECODABLE, lambda: webp_of(WITH_ALPHA, webp_chunk(b"ALPH", b"\1" + noise(5000)))),
    Hostile("alpha that is missing", OK, lambda: webp_of(WITH_ALPHA)),
    Hostile("no image", UNDECODABLE, lambda: webp_file(webp_extended((200, 120)))),
    Hostile("a chunk longer than the file", UNDECODABLE, lambda: webp_file(b"EXIF\xff\xff\xff\xff" + bytes(50))),
    Hostile("longer than it says", OK, lambda: picture("WEBP") + bytes(10_000)),
    Hostile("shorter than it says", UNDECODABLE, lambda: patched(picture("WEBP"), 4, b"\xff\xff\xff\x7f")),
)  # fmt: skip

OTHERS = (
    *(
        Hostile(f"a {kind}", UNSUPPORTED, functools.partial(picture, kind))
        for kind in ("GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
    ),
    Hostile("a PDF with a JPEG in it", UNSUPPORTED, lambda: picture("PDF")),
    Hostile("an SVG", UNSUPPORTED, lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'),
    Hostile("a HEIC", UNSUPPORTED, lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + noise(1000)),
    Hostile("a ZIP", UNSUPPORTED, lambda: zip_of(picture("JPEG"))),
    Hostile("a JPEG that is also a ZIP", OK, lambda: picture("JPEG") + zip_of(b"hello")),
    Hostile("a PNG that is also a ZIP", OK, lambda: picture("PNG") + zip_of(b"hello")),
    Hostile("a GIF's name before a JPEG", UNSUPPORTED, lambda: b"GIF89a" + picture("JPEG")),
    Hostile("a JPEG's name before a PNG", UNDECODABLE, lambda: b"\xff\xd8\xff\xe0" + picture("PNG")),
    *(
        Hostile(f"noise that starts like a {name}", UNDECODABLE, functools.partial(noise_after, magic))
        for name, magic in MAGIC.items()
    ),
    Hostile("noise", UNSUPPORTED, lambda: noise(100_000)),
    Hostile("zeros", UNSUPPORTED, lambda: bytes(100_000)),
    Hostile("one byte", UNSUPPORTED, lambda: b"\xff"),
    Hostile("a byte too many", TOO_LARGE, lambda: picture("JPEG") + bytes(MAX_IMAGE_BYTES)),
)  # fmt: skip

CUT_SHORT = tuple(
    Hostile(f"a {kind} cut off after {kilobytes} KB", UNDECODABLE, functools.partial(cut, kind, kilobytes))
    for kind in ("JPEG", "PNG", "WEBP")
    for kilobytes in range(1, 40)
    if kilobytes * 1024 < len(textured(kind))
)

CATALOGUE = (*SIZES, *FORTY_MEGAPIXELS, *JPEGS, *EXIF, *PNGS, *WEBPS, *OTHERS, *CUT_SHORT)
