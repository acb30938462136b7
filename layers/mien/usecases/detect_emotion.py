"""What do the faces of a photo express? The networks it takes, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.domain.face_filter import FaceFilter
from mien.domain.faces import DetectedFace, Emotion
from mien.usecases.analyse_image import ANALYSIS, AnalyseImage
from mien.usecases.find_faces import find_faces
from mien.usecases.stopwatch import Stopwatch
from mien.vision.chips import FaceChips
from mien.vision.decode import CALL, Limits
from mien.vision.detector import FaceDetector
from mien.vision.engine import ModelFolder
from mien.vision.expression import ExpressionClassifier
from mien.vision.landmarks import LandmarkLocaliser
from mien.vision.manifest import Task

EMOTION: tuple[Task, ...] = ("detection", "landmarks", "expression")
"""What it takes; the expression network sees faces turned upright by their landmarks."""


@dataclass(frozen=True, slots=True)
class FaceEmotion:
    """A face, and what it expresses."""

    face: DetectedFace
    emotion: Emotion


@dataclass(frozen=True, slots=True)
class DetectEmotion:
    """Detects faces and classifies their expressions. `models` are the networks' ids."""

    models: tuple[str, ...]
    detector: FaceDetector
    landmarks: LandmarkLocaliser
    expression: ExpressionClassifier
    limits: Limits = CALL

    @classmethod
    def load(cls, models: Path, threads: int = 1) -> DetectEmotion:
        """Load the networks from a folder of built models. Raises ConfigurationError."""
        folder = ModelFolder.open(models, threads)
        detection, landmarks, expression = engines = [folder.engine(task) for task in EMOTION]
        return cls(
            tuple(engine.spec.id for engine in engines),
            FaceDetector(detection),
            LandmarkLocaliser(landmarks),
            ExpressionClassifier(expression),
        )

    @classmethod
    def sharing(cls, analyse: AnalyseImage) -> DetectEmotion:
        """By networks that are loaded already."""
        models = dict(zip(ANALYSIS, analyse.models, strict=True))
        used = tuple(models[task] for task in EMOTION)
        return cls(used, analyse.detector, analyse.landmarks, analyse.expression, analyse.limits)

    def __call__(self, data: bytes, wanted: FaceFilter, watch: Stopwatch) -> tuple[FaceEmotion, ...]:
        """The wanted faces of a JPEG, PNG or WebP, largest first, in pixels of the upright image.

        Raises:
            ImageError: the image is of another kind, too large, or cannot be decoded.

        """
        photo, faces = find_faces(self.detector, self.landmarks, data, self.limits, wanted, watch)
        with watch.stage("describe"):
            emotions = self.expression.classify(FaceChips(photo.image, faces)) if faces else []
        pairs = zip(faces, emotions, strict=True)
        return tuple(FaceEmotion(face.scaled(*photo.scale), emotion) for face, emotion in pairs)
