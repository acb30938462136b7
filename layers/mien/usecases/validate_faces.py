"""Do two photos show the same person?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.domain.errors import MultipleFaces, NoFace
from mien.domain.faces import Face
from mien.domain.geometry import ImageSize
from mien.domain.matching import Comparison, Embedding, MatchCalibration, compare
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.decode import decode, image_size
from mien.vision.embedder import FaceEmbedder
from mien.vision.engine import ModelFolder


@dataclass(frozen=True, slots=True)
class Probe:
    """The one face of a photo, described and embedded."""

    face: Face
    size: ImageSize
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome, and both faces."""

    comparison: Comparison
    first: Probe
    second: Probe


@dataclass(frozen=True, slots=True)
class ValidateFaces:
    """Compares the one face of a photo with the one face of another."""

    analyse: AnalyseImage
    embedder: FaceEmbedder

    @classmethod
    def load(cls, models: Path, threads: int = 1) -> ValidateFaces:
        """Load the networks from a folder of built models. Raises ConfigurationError."""
        folder = ModelFolder.open(models, threads)
        return cls(AnalyseImage.of(folder), FaceEmbedder(folder.engine("embedding")))

    @property
    def calibration(self) -> MatchCalibration:
        """What policies there are, and what they mean."""
        return self.embedder.calibration

    def __call__(self, first: bytes, second: bytes, policy: str) -> Validation:
        """Compare the faces of two JPEG, PNG or WebP files at a policy's false-match rate.

        Raises:
            ImageError: an image is of another kind, too large, or cannot be decoded.
            FaceError: an image shows no face, or several.

        """
        a, b = self._probe(first, "first"), self._probe(second, "second")
        return Validation(compare(a.embedding, b.embedding, self.calibration, policy), a, b)

    def _probe(self, data: bytes, which: str) -> Probe:
        image = decode(data)
        detected = self.analyse.detector.detect(image)
        if not detected:
            raise NoFace(f"The {which} image shows no face.")
        if len(detected) > 1:
            raise MultipleFaces(f"The {which} image shows {len(detected)} faces; one is needed.")
        (face,), (embedding,) = self.analyse.describe(image, detected), self.embedder.embed(image, detected)
        return Probe(face, image_size(image), embedding)
