"""Points, boxes and transforms in pixels of the upright image: x to the right, y down, origin top left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Pixels of an image as (width, height)."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def turned(self) -> ImageSize:
        """Of the image lying on its side."""
        return ImageSize(self.height, self.width)


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """An axis-aligned, half-open rectangle: x1 <= x < x2, y1 <= y < y2, in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> Point:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def clipped(self, size: ImageSize) -> BoundingBox:
        """The part of the box inside an image of this size; empty when they do not meet."""
        x1, x2 = (min(max(x, 0.0), float(size.width)) for x in (self.x1, self.x2))
        y1, y2 = (min(max(y, 0.0), float(size.height)) for y in (self.y1, self.y2))
        return BoundingBox(x1, y1, x2, y2)

    def scaled(self, x: float, y: float) -> BoundingBox:
        """The same part of an image that is so many times as wide and high."""
        return BoundingBox(self.x1 * x, self.y1 * y, self.x2 * x, self.y2 * y)

    def square(self, scale: float) -> BoundingBox:
        """The square about the same centre whose side is `scale` times the longer side."""
        half = max(self.width, self.height) * scale / 2
        x, y = self.centre
        return BoundingBox(x - half, y - half, x + half, y + half)


@dataclass(frozen=True, slots=True)
class Landmarks5:
    """Five facial points in pixels; right and left are the subject's own."""

    right_eye: Point
    left_eye: Point
    nose_tip: Point
    right_mouth: Point
    left_mouth: Point

    @classmethod
    def from_array(cls, points: FloatArray) -> Landmarks5:
        """From shape (5, 2), in the order of the fields."""
        return cls(*((float(x), float(y)) for x, y in points))

    def as_array(self) -> FloatArray:
        """Shape (5, 2), in the order of the fields."""
        points = (self.right_eye, self.left_eye, self.nose_tip, self.right_mouth, self.left_mouth)
        return np.array(points, dtype=np.float32)

    def scaled(self, x: float, y: float) -> Landmarks5:
        """The same points of an image that is so many times as wide and high."""
        return Landmarks5.from_array(self.as_array() * np.array([x, y], dtype=np.float32))

    @property
    def inter_eye_distance(self) -> float:
        return float(np.hypot(*np.subtract(self.left_eye, self.right_eye)))


def similarity_transform(source: FloatArray, target: FloatArray) -> FloatArray:
    """The rotation, uniform scale and shift that best takes `source` onto `target`.

    Both are (n, 2); the answer is (2, 3) and multiplies column vectors (x, y, 1). Least squares over the
    four parameters, without reflection (Umeyama 1991), of complex numbers: to turn and scale one is one product.
    """
    before, after = ([complex(x, y) for x, y in points.tolist()] for points in (source, target))
    middle, wanted = sum(before) / len(before), sum(after) / len(after)
    spread = sum(abs(z - middle) ** 2 for z in before)
    turn = sum((w - wanted) * (z - middle).conjugate() for z, w in zip(before, after, strict=True)) / max(spread, 1e-12)
    shift = wanted - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], dtype=np.float32)
