"""The training photos as chips, cut by the product's own detector and alignment, and kept in var/chips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.labelled import Part, fer2013_training, main_detection, part_of, people, read_image
from mien import settings
from mien.domain.faces import DetectedFace
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.chips import crop_transform, cut_chip, turn_of
from mien.vision.decode import Image
from mien.vision.manifest import Crop
from models.training.pose_teacher import PoseTeacher

CACHE = settings.CHECKOUT / "var" / "chips"

SIDE = 144
SCALE = 1.6  # of ArcFace's template, so that views may turn, shift and shrink
_CROP = Crop("arcface", SCALE)

Arrays = dict[str, NDArray[Any]]


def fer2013(data: Path) -> Arrays:
    """FER2013's training set: `chips` (n, 144, 144) uint8 grey, `rows` of the set, `labels` among Sentiment's names,
    `poses` (n, 3).
    """

    def cut(analyse: AnalyseImage) -> Arrays:
        found, teacher = [], PoseTeacher()
        for row, (image, sentiment) in enumerate(fer2013_training(data)):
            face = main_detection(analyse, image)
            if face is not None:
                found.append((_chip(image, face)[:, :, 0], row, sentiment.value, _pose(teacher, image, face)))
        return _columns(("chips", "rows", "labels", "poses"), found)

    return _kept("fer2013", cut)


def fairface(data: Path) -> Arrays:
    """FairFace's training photos: `chips` (n, 144, 144, 3) uint8 BGR, `rows`, `bands` (n, 2) in years, the second not
    included, `genders`, `groups`, `poses` (n, 3).
    """

    def cut(analyse: AnalyseImage) -> Arrays:
        found, teacher = [], PoseTeacher()
        for row, person in enumerate(people(data, "fairface_train")):
            image = read_image(person.photo)
            face = main_detection(analyse, image)
            if face is not None:
                labels = (person.band, person.gender.value, person.group)
                found.append((_chip(image, face), row, *labels, _pose(teacher, image, face)))
        return _columns(("chips", "rows", "bands", "genders", "groups", "poses"), found)

    return _kept("fairface", cut)


def rows_of(arrays: Arrays, part: Part) -> NDArray[np.int64]:
    """Which of the chips belong to a part of the set."""
    return np.flatnonzero([part_of(int(row)) is part for row in arrays["rows"]])


def _columns(names: tuple[str, ...], found: list[tuple[Any, ...]]) -> Arrays:
    return {name: np.array(column) for name, column in zip(names, zip(*found, strict=True), strict=True)}


def _chip(image: Image, face: DetectedFace) -> Image:
    return cut_chip(image, crop_transform(face, _CROP, SIDE, SIDE), SIDE, SIDE)


def _pose(teacher: PoseTeacher, image: Image, face: DetectedFace) -> tuple[float, float, float]:
    """Yaw, pitch and roll as HeadPose has them, in degrees, but the roll is that which the chip still shows."""
    pose = teacher.pose(image, face)
    return pose.yaw, pose.pitch, pose.roll - turn_of(crop_transform(face, _CROP, SIDE, SIDE))


def _kept(name: str, cut: Callable[[AnalyseImage], Arrays]) -> Arrays:
    """Cut once; later runs read the file. Delete var/chips after a change of detector, landmarks or crop."""
    file = CACHE / f"{name}.npz"
    if not file.exists():
        arrays = cut(AnalyseImage.load(settings.models_folder(), settings.threads()))
        CACHE.mkdir(parents=True, exist_ok=True)
        np.savez(file, allow_pickle=False, **arrays)
    with np.load(file) as stored:
        return {key: stored[key] for key in stored.files}
