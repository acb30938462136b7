from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.domain.geometry import ImageSize
from mien.vision.detector import MAX_CANDIDATES, STRIDES, decode_cells, suppress, working_scales

SIZE = ImageSize(640, 64)
NEVER, SURE = -50.0, 50.0  # logits


def empty_cells(size: ImageSize) -> np.ndarray:
    cells = np.zeros((16, sum(size.width // stride * (size.height // stride) for stride in STRIDES)), np.float32)
    cells[:2] = NEVER
    return cells


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def test_a_cell_becomes_a_box_and_points_in_pixels() -> None:
    cells = empty_cells(SIZE)
    of_stride_8 = (640 // 8) * (64 // 8)
    row, column = 1, 5
    cells[:, of_stride_8 + row * (640 // 16) + column] = [
        *(logit(0.81), SURE),
        *(0.5, 0.25, np.log(2), np.log(3)),
        *(np.arange(10) / 10),
    ]
    found = decode_cells(cells, SIZE, 0.6)
    x, y = 5.5 * 16, 1.25 * 16
    assert found.boxes == pytest.approx(np.array([[x - 16, y - 24, x + 16, y + 24]]), abs=1e-3)
    assert found.points[0, 1] == pytest.approx([(5 + 0.2) * 16, (1 + 0.3) * 16], abs=1e-3)
    assert found.scores == pytest.approx([0.9])


def test_the_first_and_last_cells_of_a_stride_are_in_its_corners() -> None:
    cells = empty_cells(SIZE)
    counts = np.cumsum([640 // stride * (64 // stride) for stride in STRIDES])
    cells[:2, [0, counts[0] - 1, counts[0], counts[1] - 1, counts[1], counts[2] - 1]] = SURE
    corners = decode_cells(cells, SIZE, 0.6).centres.tolist()
    assert corners == [[0, 0], [632, 56], [0, 0], [624, 48], [0, 0], [608, 32]]


def test_a_cell_under_the_minimum_is_dropped() -> None:
    cells = empty_cells(SIZE)
    cells[:2, 0] = logit(0.59)
    assert len(decode_cells(cells, SIZE, 0.6).scores) == 0


def test_a_minimum_of_zero_keeps_only_the_best() -> None:
    cells = empty_cells(ImageSize(640, 640))
    cells[:2] = np.linspace(NEVER, SURE, cells.shape[1])
    found = decode_cells(cells, ImageSize(640, 640), 0.0)
    assert len(found.scores) == MAX_CANDIDATES
    assert found.scores.max() == 1.0


def test_no_logit_is_too_faint_for_a_score() -> None:
    cells = empty_cells(SIZE)
    cells[:2] = -3e38
    assert len(decode_cells(cells, SIZE, 1e-6).scores) == 0


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
    table = np.array(rows, dtype=np.float32).reshape(-1, 5)
    return list(suppress(table[:, :4], table[:, 4]))


def test_of_overlapping_boxes_the_best_stays() -> None:
    assert kept((0, 0, 100, 100, 0.7), (5, 5, 105, 105, 0.9), (300, 0, 400, 100, 0.6)) == [1, 2]


def test_neighbours_that_touch_both_stay() -> None:
    assert kept((0, 0, 100, 100, 0.9), (80, 0, 180, 100, 0.8)) == [0, 1]


def test_a_weaker_box_inside_a_face_goes() -> None:
    assert kept((0, 0, 100, 100, 0.95), (40, 40, 60, 65, 0.6)) == [0]


def test_a_better_box_inside_a_weak_one_stays_with_it() -> None:
    assert kept((0, 0, 100, 100, 0.6), (40, 40, 60, 65, 0.95)) == [1, 0]


def test_nothing_gives_nothing() -> None:
    assert kept() == []
