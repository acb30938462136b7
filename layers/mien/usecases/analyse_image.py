"""All that is known of every face in one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.domain.face_filter import FaceFilter
from mien.domain.faces import DetectedFace, Face, ImageAnalysis
from mien.usecases.find_faces import find_faces
from mien.usecases.stopwatch import Stopwatch
from mien.vision.chips import FaceChips
from mien.vision.decode import CALL, Image, Limits, Photo
from mien.vision.detector import FaceDetector
from mien.vision.engine import ModelFolder
from mien.vision.expression import ExpressionClassifier
from mien.vision.landmarks import LandmarkLocaliser
from mien.vision.liveness import LivenessScorer
from mien.vision.looks import LooksEstimator
from mien.vision.manifest import Task
from mien.vision.quality import assess

ANALYSIS: tuple[Task, ...] = ("detection", "landmarks", "expression", "age_gender", "liveness")
"""What analysis takes; pose is said by the network of age and gender."""


@dataclass(frozen=True, slots=True)
class AnalyseImage:
    """Detects the faces of an image and runs every network on all of them. `models` are the networks' ids."""

    models: tuple[str, ...]
    detector: FaceDetector
    landmarks: LandmarkLocaliser
    expression: ExpressionClassifier
    looks: LooksEstimator
    liveness: LivenessScorer
    limits: Limits = CALL

    @classmethod
    def load(cls, models: Path, threads: int = 1) -> AnalyseImage:
        """Load the networks that analysis needs from a folder of built models.

        Raises:
            ConfigurationError: a model is missing, or is not what the manifest says.

        """
        return cls.of(ModelFolder.open(models, threads))

    @classmethod
    def of(cls, models: ModelFolder) -> AnalyseImage:
        """Load them from a folder that is open already. Raises ConfigurationError."""
        engines = {task: models.engine(task) for task in ANALYSIS}
        return cls(
            models=tuple(engine.spec.id for engine in engines.values()),
            detector=FaceDetector(engines["detection"]),
            landmarks=LandmarkLocaliser(engines["landmarks"]),
            expression=ExpressionClassifier(engines["expression"]),
            looks=LooksEstimator(engines["age_gender"]),
            liveness=LivenessScorer(engines["liveness"]),
        )

    def __call__(self, data: bytes, wanted: FaceFilter) -> ImageAnalysis:
        """Analyse the bytes of a JPEG, PNG or WebP. No face is an empty answer, not an error.

        Raises:
            ImageError: the image is of another kind, too large, or cannot be decoded.

        """
        watch = Stopwatch()
        photo, detected = self.see(data, wanted, watch)
        with watch.stage("describe"):
            faces = self.describe(photo.image, detected) if detected else ()
        return ImageAnalysis(photo.size, tuple(face.scaled(*photo.scale) for face in faces), watch.times)

    def see(self, data: bytes, wanted: FaceFilter, watch: Stopwatch) -> tuple[Photo, tuple[DetectedFace, ...]]:
        """The photo, decoded as fine as its faces need, and the wanted ones, as `find` finds them, in pixels of its
        image. Raises ImageError.
        """
        return find_faces(self.detector, self.landmarks, data, self.limits, wanted, watch)

    def find(self, image: Image, wanted: FaceFilter) -> tuple[DetectedFace, ...]:
        """The wanted faces of an upright BGR image, largest first, with their points where the landmark network sees
        them: the detector's own are unsteady, and follow only part of a tilt.
        """
        detected = wanted.of(self.detector.detect(image, wanted.min_detection_probability))
        return self.landmarks.localise(image, detected) if detected else ()

    def describe(self, image: Image, detected: tuple[DetectedFace, ...]) -> tuple[Face, ...]:
        """Run every network on these faces of an upright BGR image; at least one face."""
        seen = FaceChips(image, detected)
        emotions, looks = self.expression.classify(seen), self.looks.estimate(seen)
        liveness = self.liveness.score(seen)
        return tuple(
            Face(face, look.age, look.gender, emotion, live, look.pose, assess(image, face, look.pose))
            for face, look, emotion, live in zip(detected, looks, emotions, liveness, strict=True)
        )
