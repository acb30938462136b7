from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from mien.domain.faces import DetectedFace
from mien.domain.geometry import BoundingBox, Landmarks5
from mien.vision.chips import crop_transform, cut_chip, eye_line_angle, fineness
from mien.vision.manifest import Crop


def face(box: BoundingBox, tilt: float = 0.0) -> DetectedFace:
    """A face whose eye line is turned clockwise by `tilt` degrees."""
    x, y = box.centre
    dx, dy = 10 * np.cos(np.radians(tilt)), 10 * np.sin(np.radians(tilt))
    points = Landmarks5((x - dx, y - dy), (x + dx, y + dy), (x, y), (x, y), (x, y))
    return DetectedFace(box, points, 1.0)


def to_chip(transform: np.ndarray, x: float, y: float) -> np.ndarray:
    return transform @ np.array([x, y, 1.0])


def test_a_square_crop_takes_the_longer_side_about_the_centre() -> None:
    transform = crop_transform(face(BoundingBox(100, 100, 160, 200)), Crop("square", 1.2), 112, 112)
    assert to_chip(transform, 130 - 60, 150 - 60) == pytest.approx([0, 0], abs=1e-3)
    assert to_chip(transform, 130 + 60, 150 + 60) == pytest.approx([112, 112], abs=1e-3)


def test_a_stretched_crop_takes_each_side_by_itself() -> None:
    transform = crop_transform(face(BoundingBox(100, 100, 160, 200)), Crop("stretch", 2.0), 128, 128)
    assert to_chip(transform, 130 - 60, 150 - 100) == pytest.approx([0, 0], abs=1e-3)
    assert to_chip(transform, 130 + 60, 150 + 100) == pytest.approx([128, 128], abs=1e-3)


@pytest.mark.parametrize("rule", ["level", "arcface"])
@pytest.mark.parametrize("tilt", [0, 30])
def test_a_crop_can_be_moved_down_the_face(rule: Literal["level", "arcface"], tilt: float) -> None:
    tilted = face(BoundingBox(100, 100, 200, 200), tilt)
    plain, moved = (crop_transform(tilted, Crop(rule, 1.0, down), 50, 50) for down in (0.0, 0.1))
    assert to_chip(moved, 150, 150) == pytest.approx(to_chip(plain, 150, 150) - [0, 5], abs=1e-3)


@pytest.mark.parametrize("tilt", [-40, 0, 25])
def test_a_level_crop_makes_the_eye_line_horizontal(tilt: float) -> None:
    tilted = face(BoundingBox(100, 100, 200, 200), tilt)
    transform = crop_transform(tilted, Crop("level", 1.0), 100, 100)
    right, left = (to_chip(transform, *eye) for eye in (tilted.landmarks.right_eye, tilted.landmarks.left_eye))
    assert right[1] == pytest.approx(left[1], abs=1e-3)
    assert left[0] > right[0]
    assert eye_line_angle(tilted) == pytest.approx(tilt, abs=1e-3)


@pytest.mark.parametrize("side", [16, 40, 64, 100, 200, 333, 1024])
def test_a_chip_shows_each_place_where_the_transform_says(side: int) -> None:
    ramp = np.tile(np.linspace(0, 255, 512, dtype=np.float32), (512, 1))
    image = np.stack([ramp, ramp.T, np.zeros_like(ramp)], axis=2).round().astype(np.uint8)
    transform = crop_transform(face(BoundingBox(0, 0, 512, 512)), Crop("square", 1.0), side, side)
    chip = cut_chip(image, transform, side, side).astype(float)
    centres = ((np.arange(side) + 0.5) * 512 / side - 0.5) * 255 / 511
    inner = slice(1, -1)  # where the image ends, its edge repeats
    assert np.abs(chip[:, :, 0] - centres)[:, inner].max() < 1.5
    assert np.abs(chip[:, :, 1] - centres[:, None])[inner].max() < 1.5


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    checkers = np.indices((800, 800)).sum(axis=0) % 2 * 255
    image = np.repeat(checkers[:, :, None], 3, axis=2).astype(np.uint8)
    transform = crop_transform(face(BoundingBox(0, 0, 800, 800)), Crop("square", 1.0), 50, 50)
    chip = cut_chip(image, transform, 50, 50)
    assert abs(chip.astype(int) - 127).max() <= 2


@pytest.mark.parametrize(
    "box", [BoundingBox(-300, -300, 20, 20), BoundingBox(90, 40, 900, 900), BoundingBox(0, 0, 1, 1)]
)
@pytest.mark.parametrize("rule", ["square", "stretch", "level"])
def test_a_region_beyond_the_image_repeats_its_edge(box: BoundingBox, rule: str) -> None:
    image = np.full((60, 100, 3), 77, np.uint8)
    transform = crop_transform(face(box, tilt=10), Crop(rule, 2.7), 64, 64)
    assert (cut_chip(image, transform, 64, 64) == 77).all()


def test_a_face_as_large_as_its_chip_is_as_fine_and_one_of_half_the_size_a_quarter() -> None:
    large, half = (np.array([[scale, 0, 0], [0, scale, 0]], np.float32) for scale in (0.5, 2.0))
    assert (fineness(large), fineness(half)) == pytest.approx((1, 0.25))
