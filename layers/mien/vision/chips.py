"""Cutting faces out of an image: a crop rule gives a transform, a transform gives a chip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.faces import DetectedFace
from mien.domain.geometry import FloatArray, similarity_transform
from mien.vision.decode import Image
from mien.vision.manifest import Crop

# Right eye, left eye, nose tip, right and left mouth corner (Deng and others, ArcFace, 2019, as published with
# InsightFace's code). Used as they are: counted from pixel centres, half a pixel further, fewer LFW pairs come right.
ARCFACE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)


class FaceChips:
    """Faces of an upright BGR image as networks see them. Networks of one crop rule and size share the chips."""

    def __init__(self, image: Image, faces: Sequence[DetectedFace]) -> None:
        self.image, self.faces = image, faces
        self._chips: dict[tuple[Crop, int, int], NDArray[np.uint8]] = {}
        self._transforms: dict[tuple[Crop, int, int], list[FloatArray]] = {}

    def cut(self, crop: Crop, width: int, height: int) -> NDArray[np.uint8]:
        """(n, height, width, 3) BGR, one of each face; at least one face."""
        key = crop, width, height
        if key not in self._chips:
            transforms = self.transforms(crop, width, height)
            self._chips[key] = np.stack([cut_chip(self.image, each, width, height) for each in transforms])
        return self._chips[key]

    def transforms(self, crop: Crop, width: int, height: int) -> list[FloatArray]:
        """From pixels of the image to pixels of each face's chip; (2, 3)."""
        key = crop, width, height
        if key not in self._transforms:
            self._transforms[key] = [crop_transform(face, crop, width, height) for face in self.faces]
        return self._transforms[key]


def crop_transform(face: DetectedFace, crop: Crop, width: int, height: int) -> FloatArray:
    """The (2, 3) transform from pixels of the image to pixels of a chip of this size, by a crop rule."""
    if crop.rule == "arcface":
        return similarity_transform(face.landmarks.as_array(), _template(crop, width, height))
    region_width = region_height = max(face.box.width, face.box.height) * crop.scale
    if crop.rule == "stretch":
        region_width, region_height = face.box.width * crop.scale, face.box.height * crop.scale
    angle = eye_line_angle(face) if crop.rule == "level" else 0.0
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    (x, y), across, down = face.box.centre, width / region_width, height / region_height
    return np.array(
        [
            [across * cosine, across * sine, width / 2 - across * (cosine * x + sine * y)],
            [-down * sine, down * cosine, height * (0.5 - crop.down) - down * (cosine * y - sine * x)],
        ],
        dtype=np.float32,
    )


@cache
def _template(crop: Crop, width: int, height: int) -> FloatArray:
    """Where the five landmarks belong in a chip that shows `crop.scale` times what ArcFace's 112×112 does; (5, 2)."""
    size = np.array([width, height], dtype=np.float32)
    moved = np.array([0, crop.down * height], dtype=np.float32)
    return ((ARCFACE_112 - 56) * size / (112 * crop.scale) + size / 2 - moved).astype(np.float32)


def eye_line_angle(face: DetectedFace) -> float:
    """Degrees by which the line from the subject's right eye to the left is turned clockwise in the image."""
    (x1, y1), (x2, y2) = face.landmarks.right_eye, face.landmarks.left_eye
    return math.degrees(math.atan2(y2 - y1, x2 - x1))


def turn_of(transform: FloatArray) -> float:
    """Degrees by which a face is turned clockwise in the image, where this (2, 3) transform brings it upright."""
    return math.degrees(math.atan2(transform[0, 1], transform[0, 0]))


def fineness(transform: FloatArray) -> float:
    """How many pixels of the image there are for a pixel of the chip that this (2, 3) transform gives; at most 1."""
    return min(1.0, 1 / _enlargement(transform))


def _enlargement(transform: FloatArray) -> float:
    """Of areas."""
    (a, b, _), (c, d, _) = transform.tolist()
    return max(abs(a * d - b * c), 1e-9)


def cut_chip(image: Image, transform: FloatArray, width: int, height: int) -> Image:
    """The (height, width, 3) chip of a transform, antialiased when it shrinks; the image's edge repeats outside it.

    The corner of a pixel grid is (0, 0) and its first pixel's centre (0.5, 0.5), in the image and in the chip.
    """
    source, transform = _shrunk(image, transform, width, height)
    # OpenCV has the first pixel's centre at (0, 0): move to its frame on both sides.
    centred = transform.copy()
    centred[:, 2] += transform[:, :2].sum(axis=1) / 2 - 0.5
    return cv2.warpAffine(source, centred, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _shrunk(image: Image, transform: FloatArray, width: int, height: int) -> tuple[Image, FloatArray]:
    """The part of the image that the chip covers, averaged down until the warp shrinks it less than twice."""
    shrink = int(1 / math.sqrt(_enlargement(transform)))
    if shrink < 2:
        return image, transform
    rows, columns = image.shape[:2]
    left, top, right, bottom = _footprint(transform, width, height, margin=2 * shrink)
    left, right = min(max(left, 0), columns - 1), min(max(right, 1), columns)
    top, bottom = min(max(top, 0), rows - 1), min(max(bottom, 1), rows)
    across, down = max((right - left) // shrink, 1), max((bottom - top) // shrink, 1)
    part = image[top : top + down * shrink, left : left + across * shrink]  # whole multiples average fast
    small = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA)
    x, y = part.shape[1] / across, part.shape[0] / down
    to_image = np.array([[x, 0, left], [0, y, top], [0, 0, 1]], dtype=np.float32)
    return small, (transform @ to_image).astype(np.float32)


def _footprint(transform: FloatArray, width: int, height: int, margin: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the image that the chip shows, grown by a margin in pixels."""
    (a, b, x), (c, d, y) = cv2.invertAffineTransform(transform).tolist()
    across = [x + a * right + b * bottom for right in (0, width) for bottom in (0, height)]
    down = [y + c * right + d * bottom for right in (0, width) for bottom in (0, height)]
    left, top = math.floor(min(across)) - margin, math.floor(min(down)) - margin
    return left, top, math.ceil(max(across)) + margin, math.ceil(max(down)) + margin
