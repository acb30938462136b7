from __future__ import annotations

import contextlib
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from mien.domain.errors import ImageError, UndecodableImage, UnsupportedImage
from mien.domain.geometry import ImageSize
from mien.vision.image_header import ImageFormat, read_header
from tests.conftest import saved

PICTURE = Pillow.new("RGB", (60, 40), "orange")
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x24\0\0\0WEBP", b"")
KINDS = [
    ("JPEG", {}, ImageFormat.JPEG),
    ("JPEG", {"progressive": True}, ImageFormat.JPEG),
    ("PNG", {}, ImageFormat.PNG),
    ("WEBP", {}, ImageFormat.WEBP),
    ("WEBP", {"lossless": True}, ImageFormat.WEBP),
]


def with_orientation(kind: str, orientation: int, **options: object) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return saved(PICTURE, kind, exif=exif, **options)


@pytest.mark.parametrize(("kind", "options", "expected"), KINDS)
def test_format_and_size_are_read_from_the_bytes(kind: str, options: dict[str, object], expected: ImageFormat) -> None:
    header = read_header(saved(PICTURE, kind, **options))
    assert (header.format, header.size, header.orientation) == (expected, ImageSize(60, 40), 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_read_from_every_format(kind: str, orientation: int) -> None:
    assert read_header(with_orientation(kind, orientation)).orientation == orientation


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_means_upright(orientation: int) -> None:
    assert read_header(with_orientation("JPEG", orientation)).orientation == 1


def test_broken_exif_means_upright() -> None:
    assert read_header(saved(PICTURE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).orientation == 1


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + bytes(50), b"%PDF-1.7", b"\0" * 100])
def test_other_files_are_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedImage):
        read_header(data)


@pytest.mark.parametrize(("kind", "options", "_"), KINDS)
def test_a_file_cut_short_anywhere_is_refused(kind: str, options: dict[str, object], _: ImageFormat) -> None:
    data = saved(PICTURE, kind, **options)
    for end in range(len(data) - 1):
        with pytest.raises(ImageError):
            read_header(data[:end])


@given(st.sampled_from(MAGIC), st.binary(max_size=400))
def test_random_bytes_give_a_header_or_an_image_error(magic: bytes, rest: bytes) -> None:
    try:
        header = read_header(magic + rest)
    except ImageError:
        return
    assert 1 <= header.orientation <= 8


@given(st.sampled_from(KINDS), st.data())
def test_a_flipped_byte_gives_a_header_or_an_image_error(
    case: tuple[str, dict[str, object], object], data: st.DataObject
) -> None:
    file = bytearray(with_orientation(case[0], 6, **case[1]))
    position = data.draw(st.integers(0, len(file) - 1))
    file[position] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ImageError):
        assert 1 <= read_header(bytes(file)).orientation <= 8


def test_four_megabytes_of_tiny_chunks_are_read_quickly() -> None:
    head = saved(PICTURE, "PNG")[:33]
    chunk = struct.pack(">I", 0) + b"tEXt" + bytes(4)
    start = time.perf_counter()
    with pytest.raises(UndecodableImage):
        read_header(head + chunk * (4_000_000 // len(chunk)))
    assert time.perf_counter() - start < 2
