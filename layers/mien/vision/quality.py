"""Is a face good enough to be recognised? Documented heuristics, not a trained measure."""

from __future__ import annotations

import math

import cv2

from mien.domain.faces import DetectedFace, HeadPose, Quality
from mien.vision.chips import crop_transform, cut_chip
from mien.vision.decode import Image
from mien.vision.manifest import Crop

_CHIP_SIDE = 112  # what a recogniser sees of a face, so blur is judged at that size
_CHIP_CROP = Crop(rule="square", scale=1.0)
_SHARP_VARIANCE = 150.0  # Laplacian variance at which a face counts as half sharp
_GOOD_BRIGHTNESS = (0.25, 0.75)


def assess(image: Image, face: DetectedFace, pose: HeadPose) -> Quality:
    """Quality of one face of an upright BGR image.

    sharpness: v / (v + 150), v the variance of the Laplacian of the grey 112×112 chip.
    brightness: mean grey of the chip, 0 black to 1 white.
    score: geometric mean of sharpness, size (112 px and more is 1), light (1 between 0.25 and 0.75, falling to 0
    at black and white) and frontality (cos yaw · cos pitch), each 0-1.
    """
    transform = crop_transform(face, _CHIP_CROP, _CHIP_SIDE, _CHIP_SIDE)
    grey = cv2.cvtColor(cut_chip(image, transform, _CHIP_SIDE, _CHIP_SIDE), cv2.COLOR_BGR2GRAY)
    _, spread = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))
    variance = float(spread[0, 0]) ** 2
    sharpness = variance / (variance + _SHARP_VARIANCE)
    brightness = cv2.mean(grey)[0] / 255
    side = min(face.box.width, face.box.height)
    frontality = max(math.cos(math.radians(pose.yaw)) * math.cos(math.radians(pose.pitch)), 0.0)
    parts = (sharpness, min(side / _CHIP_SIDE, 1.0), _light(brightness), frontality)
    return Quality(
        score=math.prod(parts) ** (1 / len(parts)),
        sharpness=sharpness,
        brightness=brightness,
        face_size_px=round(side),
    )


def _light(brightness: float) -> float:
    dark, bright = _GOOD_BRIGHTNESS
    return min(1.0, brightness / dark, (1 - brightness) / (1 - bright))
