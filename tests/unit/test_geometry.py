from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.domain.geometry import BoundingBox, ImageSize, similarity_transform

coordinates = st.floats(-5000, 5000)


@given(st.tuples(coordinates, coordinates, coordinates, coordinates))
def test_a_clipped_box_lies_in_the_image(corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    box = BoundingBox(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)).clipped(ImageSize(640, 480))
    assert 0 <= box.x1 <= box.x2 <= 640
    assert 0 <= box.y1 <= box.y2 <= 480


@given(st.floats(-3, 3), st.floats(0.1, 10), st.floats(-100, 100), st.floats(-100, 100))
def test_a_similarity_is_recovered_from_its_points(angle: float, scale: float, x: float, y: float) -> None:
    rotation = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    source = np.array([[0, 0], [10, 0], [3, 7], [-4, 5], [8, 8]], dtype=np.float32)
    target = (source @ rotation.T + [x, y]).astype(np.float32)
    found = similarity_transform(source, target)
    assert np.allclose(found, np.hstack([rotation, [[x], [y]]]), atol=2e-3 * max(scale, 1))
