"""Reading labelled photos, and choosing the face that a label is about."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.progress import track

from mien.domain.face_filter import FaceFilter
from mien.domain.faces import DetectedFace, Face, Gender, HeadPose, ImageAnalysis, Sentiment
from mien.domain.geometry import BoundingBox, ImageSize
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.chips import FaceChips
from mien.vision.decode import Image, decode, image_size

Embedded = TypeVar("Embedded")

OLDEST = 85  # "more than 70" is taken as 70 to 84
LABEL_FLOOR = 0.3  # where a face is known to be, a weaker detection is believed


class Part(Enum):
    """What a row of a training set is for, so that nothing is fitted, chosen or calibrated on the same rows."""

    TRAINING = "training"
    CHOOSING = "choosing"
    CALIBRATION = "calibration"


def part_of(row: int) -> Part:
    """Of FER2013's and FairFace's training sets, each tenth row is held out: by turns for calibration and choosing."""
    return {0: Part.CALIBRATION, 10: Part.CHOOSING}.get(row % 20, Part.TRAINING)


@dataclass(frozen=True)
class Labelled:
    """A photo of one person."""

    photo: Path


@dataclass(frozen=True)
class Person(Labelled):
    """`band` is low and high in years, high not included."""

    band: tuple[int, int]
    gender: Gender
    group: str

    @property
    def years(self) -> float:
        """The middle of the band."""
        return (self.band[0] + self.band[1] - 1) / 2


@dataclass(frozen=True)
class Expressive(Labelled):
    """A photo and the sentiment that people saw in it."""

    sentiment: Sentiment


def people(data: Path, name: str) -> Iterator[Person]:
    """FairFace, by the name of its CSV."""
    for row in _rows(data / "age_gender" / f"{name}.csv"):
        photo = data / "age_gender" / row["path"]
        yield Person(photo, _band(row["age_band"]), Gender(row["gender"]), row["race"].replace("_", " "))


def expressions(data: Path, source: str) -> Iterator[Expressive]:
    """Photos with a sentiment, by source."""
    for row in _rows(data / "expression" / "labels.csv"):
        if row["source"] == source:
            yield Expressive(data / "expression" / row["path"], Sentiment(row["label"]))


def fer2013_training(data: Path) -> Iterator[tuple[Image, Sentiment]]:
    """FER2013's training set: 48×48 grey pictures, as BGR, and the sentiment that people saw in them."""
    with np.load(data / "expression" / "fer2013_train.npz") as stored:
        pictures, labels = stored["images"], stored["labels"]
        names = [Sentiment(str(name)) for name in stored["classes"]]
    for picture, label in track(list(zip(pictures, labels, strict=True)), "Reading FER2013", transient=True):
        yield np.repeat(picture[:, :, None], 3, axis=2), names[label]


def boxes(data: Path) -> Iterator[tuple[Path, list[BoundingBox]]]:
    """Crowd photos and the boxes of their faces."""
    by_photo: dict[str, list[BoundingBox]] = {}
    for row in _rows(data / "detection" / "boxes.csv"):
        box = BoundingBox(*(float(row[side]) for side in ("x1", "y1", "x2", "y2")))
        by_photo.setdefault(row["path"], []).append(box)
    for path, truth in by_photo.items():
        yield data / "detection" / path, truth


def strangers(data: Path) -> Iterator[Path]:
    """Photos without a face."""
    for row in _rows(data / "detection" / "no_face.csv"):
        yield data / "detection" / row["path"]


@dataclass(frozen=True)
class Pair:
    """Two photos, whether they show one person, and the fold they belong to."""

    first: Path
    second: Path
    mated: bool
    fold: int


def pairs(data: Path) -> list[Pair]:
    """LFW's pairs."""
    folder = data / "identity"
    return [
        Pair(folder / row["path1"], folder / row["path2"], row["same"] == "1", int(row["fold"]))
        for row in _rows(folder / "lfw_pairs.csv")
    ]


def embed_all(
    analyse: AnalyseImage,
    photos: Iterable[Path],
    embed: Callable[[Image, DetectedFace], Embedded],
    change: Callable[[Image, Path], Image] = lambda image, _: image,
) -> dict[Path, Embedded]:
    """What `embed` makes of the main face of each photo, changed before; once a photo. Every one must have a face."""
    embedded = {}
    for photo in track(sorted(set(photos)), "Embedding", transient=True):
        image = change(read_image(photo), photo)
        face = main_detection(analyse, image)
        assert face is not None, photo
        embedded[photo] = embed(image, face)
    return embedded


def lfw_person(photo: Path) -> str:
    """LFW names its files Given_Family_0001.jpg."""
    return photo.stem.rpartition("_")[0]


def read_image(photo: Path) -> Image:
    """As the product decodes it."""
    return decode(photo.read_bytes())


def read_analysis(analyse: AnalyseImage, photo: Path) -> ImageAnalysis:
    """As the product analyses it, with weaker detections let through."""
    return analyse(photo.read_bytes(), FaceFilter(min_detection_probability=LABEL_FLOOR))


def main_face(analysis: ImageAnalysis) -> Face | None:
    """The face that the label is about."""
    return max(analysis.faces, key=lambda face: prominence(face.detection, analysis.size), default=None)


def prominence(face: DetectedFace, size: ImageSize) -> float:
    """Large, sure and in the middle."""
    x, y = face.box.centre
    away = (2 * x / size.width - 1) ** 2 + (2 * y / size.height - 1) ** 2
    return face.box.area * face.probability / (1 + 2 * away)


def main_detection(analyse: AnalyseImage, image: Image) -> DetectedFace | None:
    """The same of an image whose faces are only found."""
    size = image_size(image)
    found = analyse.find(image, FaceFilter(min_detection_probability=LABEL_FLOOR))
    return max(found, key=lambda face: prominence(face, size), default=None)


def pose_of(analyse: AnalyseImage, image: Image) -> HeadPose | None:
    """The head pose of the main face."""
    face = main_detection(analyse, image)
    return None if face is None else analyse.looks.estimate(FaceChips(image, [face]))[0].pose


def _rows(table: Path) -> Iterator[dict[str, str]]:
    if not table.is_file():
        raise SystemExit(f"{table} is missing. Name the folder of labelled photos: make accuracy DATA=folder")
    with table.open(newline="", encoding="utf-8") as stream:
        yield from track(list(csv.DictReader(stream)), f"Reading {table.stem}", transient=True)


def _band(text: str) -> tuple[int, int]:
    if text.startswith("more than"):
        return int(text.split()[-1]), OLDEST
    low, high = text.split("-")
    return int(low), int(high) + 1
