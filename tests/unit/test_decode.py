from __future__ import annotations

import contextlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from mien.cli.sample_photos import portrait
from mien.domain.errors import ImageError, ImageTooLarge, UndecodableImage
from mien.domain.geometry import ImageSize
from mien.vision.decode import CALL, UPLOAD, decode, decode_photo
from mien.vision.image_header import read_header
from tests.conftest import mean_difference, pillow, saved
from tests.hostile import (
    RGBA,
    black_png,
    empty_scans,
    jpeg_file,
    jpeg_frame,
    jpeg_scan,
    webp_chunk,
    webp_extended,
    webp_file,
    webp_payload,
)


@pytest.fixture
def picture(photo) -> Pillow.Image:
    """A small photo with no symmetry, blocks of eight so that JPEG turns it without loss."""
    return pillow(photo("astronaut")).convert("RGB").resize((96, 64))


def as_bgr(picture: Pillow.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))[:, :, ::-1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_format_decodes_to_bgr(kind: str, picture: Pillow.Image) -> None:
    assert mean_difference(decode(saved(picture, kind, quality=95)), as_bgr(picture)) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_turned_upright(kind: str, orientation: int, picture: Pillow.Image) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = saved(picture, kind, quality=95, exif=exif)
    upright = ImageOps.exif_transpose(pillow(data))
    image = decode(data)
    assert image.shape[:2] == upright.size[::-1]
    assert mean_difference(image, as_bgr(upright)) < 3


@pytest.mark.parametrize(("mode", "kind"), [("L", "JPEG"), ("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("L", "WEBP")])
def test_grey_and_palette_images_become_three_channels(mode: str, kind: str, picture: Pillow.Image) -> None:
    converted = picture.convert(mode)
    assert mean_difference(decode(saved(converted, kind, quality=95)), as_bgr(converted)) < 4


def test_sixteen_bits_become_eight(picture: Pillow.Image) -> None:
    eight = np.asarray(picture)[:, :, ::-1]
    done, data = cv2.imencode(".png", eight.astype(np.uint16) * 257)
    assert done
    assert mean_difference(decode(bytes(data)), eight) == 0


def test_cmyk_keeps_its_colours(picture: Pillow.Image) -> None:
    assert mean_difference(decode(saved(picture.convert("CMYK"), "JPEG", quality=95)), as_bgr(picture)) < 6


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_flattened_on_white(kind: str, picture: Pillow.Image) -> None:
    alpha = Pillow.linear_gradient("L").resize(picture.size)
    see_through = picture.copy()
    see_through.putalpha(alpha)
    on_white = Pillow.composite(picture, Pillow.new("RGB", picture.size, "white"), alpha)
    assert mean_difference(decode(saved(see_through, kind, lossless=True, exact=True)), as_bgr(on_white)) < 1


def test_grey_with_alpha_is_flattened_on_white() -> None:
    clear = Pillow.new("LA", (20, 20), (0, 0))
    assert decode(saved(clear, "PNG")).min() == 255


def test_a_transparent_palette_colour_is_flattened_on_white() -> None:
    flat = Pillow.new("P", (20, 20), 0)
    flat.putpalette([10, 20, 30] * 256)
    assert decode(saved(flat, "PNG", transparency=0)).min() == 255


def test_sixteen_bits_with_alpha_are_flattened_too() -> None:
    half = np.full((200, 30, 4), 0x8080, np.uint16)
    half[:, :, 0] = np.arange(200)[:, None] * 257
    done, data = cv2.imencode(".png", half)
    assert done
    blue, green, red = cv2.split(decode(bytes(data)).astype(int))
    assert np.abs(blue - (np.arange(200)[:, None] * 128 / 255 + 127)).max() <= 1
    assert (green == red).all()
    assert set(np.unique(green)) <= {191, 192}


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_seen(kind: str, picture: Pillow.Image) -> None:
    rest = [picture.rotate(degrees) for degrees in (90, 180)]
    data = saved(picture, kind, save_all=True, append_images=rest, lossless=True)
    assert mean_difference(decode(data), as_bgr(picture)) == 0


def test_an_animation_with_alpha_is_flattened(picture: Pillow.Image) -> None:
    faint = picture.copy()
    faint.putalpha(3)
    data = saved(faint, "WEBP", save_all=True, append_images=[picture.convert("RGBA")])
    assert decode(data).min() >= 252


def test_an_animation_whose_first_frame_is_a_part_of_it_is_refused() -> None:
    frame = webp_chunk(
        b"ANMF", bytes(16) + webp_chunk(b"VP8 ", webp_payload(saved(Pillow.new("RGB", (20, 20)), "WEBP")))
    )
    with pytest.raises(UndecodableImage, match="does not fill"):
        decode(webp_file(webp_extended((40, 40), 0x02), frame))


def test_metadata_is_not_handed_to_the_decoder(picture: Pillow.Image) -> None:
    profile = b"\0" * 100_000
    assert len(read_header(saved(picture, "PNG", icc_profile=profile, exif=b"Exif\0\0" + profile)).still) < 30_000
    assert len(read_header(saved(picture, "WEBP", icc_profile=profile, exif=b"Exif\0\0" + profile)).still) < 30_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (empty_scans((6000, 5000), 50), "51 times"),
        (jpeg_file(jpeg_frame((8000, 4000), 0xC2, (0x11,) * 4), jpeg_scan((1,))), "MB to decode"),
        (black_png((6000, 5000), 16, RGBA), "MB to decode"),
    ],
    ids=["scans", "progressive CMYK", "alpha of 16 bits"],
)
def test_what_costs_too_much_is_refused_before_decoding(data: bytes, why: str, monkeypatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageTooLarge, match=why):
        decode(data)


def test_a_progressive_jpeg_decodes(picture: Pillow.Image) -> None:
    assert mean_difference(decode(saved(picture, "JPEG", quality=95, progressive=True)), as_bgr(picture)) < 4


def test_sixty_megapixels_are_refused_before_decoding(sixty_megapixel_png: bytes, monkeypatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("pixels were decoded"))
    with pytest.raises(ImageTooLarge, match="10000×6000"):
        decode(sixty_megapixel_png)


@pytest.mark.parametrize("size", [(15, 16), (16, 15), (1, 1)])
def test_an_image_under_sixteen_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UndecodableImage, match="16×16"):
        decode(saved(Pillow.new("RGB", size), "PNG"))


def test_sixteen_by_sixteen_is_enough() -> None:
    assert decode(saved(Pillow.new("RGB", (16, 16)), "PNG")).shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_image_is_refused_at_every_length(kind: str, picture: Pillow.Image) -> None:
    data = saved(picture, kind)
    for end in range(0, len(data) - 2, 97):
        with pytest.raises(ImageError):
            decode(data[:end])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_noise_in_the_pixel_data_never_crashes(kind: str, picture: Pillow.Image) -> None:
    rng = np.random.default_rng(5)
    whole = saved(picture, kind)
    for _ in range(60):
        data = bytearray(whole)
        for position in rng.integers(20, len(data), 5):
            data[position] = rng.integers(256)
        with contextlib.suppress(ImageError):
            assert decode(bytes(data)).ndim == 3


def test_a_jpeg_with_bytes_after_its_end_decodes(photo) -> None:
    assert decode(photo("astronaut") + b"trailer of a phone's motion photo" * 10).shape == (512, 512, 3)


def large_jpeg(width: int, height: int, orientation: int = 1) -> bytes:
    """A photo scaled up, with fine lines that only show at full size."""
    picture = cv2.resize(portrait("obama"), (width, height), interpolation=cv2.INTER_LINEAR)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return saved(Pillow.fromarray(picture[:, :, ::-1]), "JPEG", quality=80, exif=exif)


def test_a_photo_that_a_call_may_hold_is_decoded_whole(photo) -> None:
    for limits in (CALL, UPLOAD):
        whole = decode_photo(photo("astronaut"), limits)
        assert whole.size == ImageSize(512, 512)
        assert whole.scale == (1, 1)
        assert np.array_equal(whole.image, decode(photo("astronaut")))


@pytest.mark.parametrize(
    ("long_side", "decoded"), [(2000, (1500, 2000)), (2001, (3000, 4000)), (1000, (750, 1000)), (10, (375, 500))]
)
def test_a_jpeg_is_reduced_as_far_as_its_longer_side_allows(long_side: int, decoded: tuple[int, int]) -> None:
    data = large_jpeg(4000, 3000)
    reduced = decode_photo(data, long_side=long_side)
    assert (reduced.image.shape[:2], reduced.size) == (decoded, ImageSize(4000, 3000))
    assert reduced.could_be_finer is (decoded != (3000, 4000))
    small = cv2.resize(decode(data), decoded[::-1], interpolation=cv2.INTER_AREA)
    assert mean_difference(reduced.image, small) < 4


def test_a_png_is_not_reduced_for_it_would_take_no_less_time(picture: Pillow.Image) -> None:
    photo = decode_photo(saved(picture, "PNG"), long_side=16)
    assert (photo.scale, photo.could_be_finer) == ((1, 1), False)


def test_an_upload_of_many_megapixels_is_decoded_at_half_its_size() -> None:
    data = large_jpeg(6001, 7001, orientation=6)
    with pytest.raises(ImageTooLarge, match="40 megapixels"):
        decode(data)
    half = decode_photo(data, UPLOAD)
    assert half.size == ImageSize(7001, 6001)
    assert half.image.shape == (3001, 3501, 3)
    assert half.scale == pytest.approx((2, 2), abs=0.001)
    assert not half.could_be_finer
    small = cv2.resize(cv2.rotate(portrait("obama"), cv2.ROTATE_90_CLOCKWISE), (350, 300), interpolation=cv2.INTER_AREA)
    shrunk = cv2.resize(half.image, (350, 300), interpolation=cv2.INTER_AREA)
    assert mean_difference(shrunk, small) < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_format_of_many_megapixels_is_decoded_for_uploads(kind: str) -> None:
    data = saved(Pillow.new("RGB", (8000, 6000), "teal"), kind, quality=50)
    half = decode_photo(data, UPLOAD)
    assert (half.size, half.image.shape) == (ImageSize(8000, 6000), (3000, 4000, 3))
    assert mean_difference(half.image[:4, :4], np.full((4, 4, 3), (128, 128, 0), np.uint8)) < 3


def test_an_upload_has_its_limit_too() -> None:
    with pytest.raises(ImageTooLarge, match="100 megapixels"):
        decode_photo(saved(Pillow.new("L", (10_001, 10_000)), "PNG"), UPLOAD)
