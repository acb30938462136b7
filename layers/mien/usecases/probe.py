"""The one face of a photo, described and embedded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mien.domain.errors import MultipleFaces, NoFace
from mien.domain.face_filter import FaceFilter
from mien.domain.faces import Face
from mien.domain.geometry import ImageSize
from mien.domain.matching import Embedding
from mien.usecases.analyse_image import AnalyseImage
from mien.usecases.stopwatch import Stopwatch
from mien.vision.decode import UPLOAD
from mien.vision.embedder import FaceEmbedder
from mien.vision.engine import ModelFolder


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of the face."""

    face: Face
    size: ImageSize
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class FaceReader:
    """The networks that describe and embed."""

    analyse: AnalyseImage
    embedder: FaceEmbedder

    @classmethod
    def load(cls, models: Path, threads: int = 1) -> FaceReader:
        """Load them from a folder of built models. Raises ConfigurationError."""
        folder = ModelFolder.open(models, threads)
        return cls(AnalyseImage.of(folder), FaceEmbedder.of(folder))

    @classmethod
    def for_uploads(cls, models: Path, threads: int = 1) -> FaceReader:
        """Load them for photos that nobody waits for, which may be larger. Raises ConfigurationError."""
        reader = cls.load(models, threads)
        return replace(reader, analyse=replace(reader.analyse, limits=UPLOAD))

    @property
    def models(self) -> tuple[str, ...]:
        """The networks' ids."""
        return (*self.analyse.models, self.embedder.model)

    def read_one(self, data: bytes, name: str) -> Probe:
        """The one face of a JPEG, PNG or WebP file; errors call the photo by its name.

        Raises:
            ImageError: the image is of another kind, too large, or cannot be decoded.
            NoFace, MultipleFaces: it does not show one face.

        """
        photo, detected = self.analyse.see(data, FaceFilter(), Stopwatch())
        if not detected:
            raise NoFace(f"The {name} shows no face.")
        if len(detected) > 1:
            raise MultipleFaces(f"The {name} shows {len(detected)} faces; one is needed.")
        (face,), (embedding,) = self.analyse.describe(photo.image, detected), self.embedder.embed(photo.image, detected)
        return Probe(face.scaled(*photo.scale), photo.size, embedding)
