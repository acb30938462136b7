from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.domain.geometry import ImageSize
from mien.vision.detector import MAX_CANDIDATES, STRIDES, decode_outputs, suppress, working_scales


def empty_maps(width: int, height: int) -> dict[str, np.ndarray]:
    maps = {}
    for stride in STRIDES:
        cells = (width // stride) * (height // stride)
        maps |= {
            f"{name}_{stride}": np.zeros((1, cells, size), np.float32)
            for name, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        }
    return maps


def test_a_cell_becomes_a_box_and_points_in_pixels() -> None:
    maps = empty_maps(320, 64)
    cell = 1 * (320 // 16) + 5  # stride 16, row 1, column 5
    maps["cls_16"][0, cell] = 0.81
    maps["obj_16"][0, cell] = 1.0
    maps["bbox_16"][0, cell] = [0.5, 0.25, np.log(2), np.log(3)]
    maps["kps_16"][0, cell] = np.arange(10) / 10
    found = decode_outputs(maps, 320, 0.6)
    x, y = 5.5 * 16, 1.25 * 16
    assert found.boxes == pytest.approx(np.array([[x - 16, y - 24, x + 16, y + 24]]), abs=1e-3)
    assert found.points[0, 1] == pytest.approx([(5 + 0.2) * 16, (1 + 0.3) * 16], abs=1e-3)
    assert found.scores == pytest.approx([0.9])


def test_a_cell_under_the_minimum_is_dropped() -> None:
    maps = empty_maps(64, 64)
    maps["cls_8"][0, 0] = maps["obj_8"][0, 0] = 0.59
    assert len(decode_outputs(maps, 64, 0.6).scores) == 0


def test_a_minimum_of_zero_keeps_only_the_best() -> None:
    maps = empty_maps(640, 640)
    maps["cls_8"][0, :, 0] = maps["obj_8"][0, :, 0] = np.linspace(0, 1, 6400)
    found = decode_outputs(maps, 640, 0.0)
    assert len(found.scores) <= 3 * MAX_CANDIDATES
    assert found.scores.max() == 1.0


@given(st.integers(16, 12_000), st.integers(16, 12_000))
def test_every_image_is_looked_at_in_bounds(width: int, height: int) -> None:
    long_side = max(width, height)
    scales = working_scales(ImageSize(width, height))
    assert 1 <= len(scales) <= 2
    assert max(scales) * long_side <= 1920.001
    assert max(scales) <= 4
    assert min(scales) * long_side == pytest.approx(256) or len(scales) == 1


def test_full_hd_is_looked_at_pixel_by_pixel_and_as_a_thumbnail() -> None:
    assert working_scales(ImageSize(1920, 1080)) == (1.0, pytest.approx(256 / 1920))


def test_a_small_image_is_enlarged() -> None:
    assert working_scales(ImageSize(320, 240))[0] == 2.0


def kept(*rows: tuple[float, float, float, float, float]) -> list[int]:
    table = np.array(rows, dtype=np.float32)
    return suppress(table[:, :4], table[:, 4])


def test_of_overlapping_boxes_the_best_stays() -> None:
    assert kept((0, 0, 100, 100, 0.7), (5, 5, 105, 105, 0.9), (300, 0, 400, 100, 0.6)) == [1, 2]


def test_neighbours_that_touch_both_stay() -> None:
    assert kept((0, 0, 100, 100, 0.9), (80, 0, 180, 100, 0.8)) == [0, 1]


def test_a_weaker_box_inside_a_face_goes() -> None:
    assert kept((0, 0, 100, 100, 0.95), (40, 40, 60, 65, 0.6)) == [0]


def test_a_better_box_inside_a_weak_one_stays_with_it() -> None:
    assert kept((0, 0, 100, 100, 0.6), (40, 40, 60, 65, 0.95)) == [1, 0]


def test_nothing_gives_nothing() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) == []
