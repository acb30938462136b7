from __future__ import annotations

import contextlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from mien.domain.errors import ImageError, ImageTooLarge, UndecodableImage
from mien.vision.decode import decode
from tests.conftest import mean_difference, pillow, saved


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
