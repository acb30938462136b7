"""Who is in the photo, and all that is known of every face?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mien.domain.face_filter import FaceFilter
from mien.domain.face_index import Candidate
from mien.domain.faces import Face
from mien.domain.gallery import GalleryId
from mien.domain.geometry import ImageSize
from mien.domain.matching import MatchCalibration
from mien.ports.face_search import FaceSearch
from mien.usecases.probe import FaceReader
from mien.usecases.stopwatch import Stopwatch

CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class RecognisedFace:
    """A face, and whom of the gallery it resembles most, best first; those from `threshold` on are taken for it."""

    face: Face
    candidates: tuple[Candidate, ...]
    threshold: float

    @property
    def matches(self) -> tuple[Candidate, ...]:
        """Those whom the face is taken for; of a stranger nobody."""
        return tuple(candidate for candidate in self.candidates if candidate.cosine >= self.threshold)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Every face of a photo. `gallery_faces` is how many faces each was compared with, `times` the milliseconds by
    stage.
    """

    size: ImageSize
    faces: tuple[RecognisedFace, ...]
    gallery_faces: int
    calibration: MatchCalibration
    times: Mapping[str, float]

    def probability(self, candidate: Candidate) -> float:
        """The probability that a face is this candidate, 0-1."""
        return self.calibration.probability(candidate.cosine, self.gallery_faces)


@dataclass(frozen=True, slots=True)
class Recognise:
    """Looks the faces of a photo up in a gallery."""

    reader: FaceReader
    search: FaceSearch

    def __call__(self, data: bytes, wanted: FaceFilter, gallery: GalleryId, policy: str) -> Recognition:
        """Recognise the faces of a JPEG, PNG or WebP file.

        A stranger is taken for somebody of the gallery at the policy's rate, however large the gallery is.

        Raises:
            ImageError: the image is of another kind, too large, or cannot be decoded.
            EmbeddingSpaceMismatch: the gallery was enrolled with another model.
            Unavailable: the gallery cannot be read.

        """
        analyse, embedder, watch = self.reader.analyse, self.reader.embedder, Stopwatch()
        photo, detected = analyse.see(data, wanted, watch)
        if not detected:
            return Recognition(photo.size, (), 0, embedder.calibration, watch.times)
        with watch.stage("describe"):
            faces = analyse.describe(photo.image, detected)
        with watch.stage("embed"):
            embeddings = embedder.embed(photo.image, detected)
        with watch.stage("search"):
            found = self.search.search(gallery, embeddings, CANDIDATES)
        threshold = embedder.calibration.threshold(policy, found.faces)
        recognised = tuple(
            RecognisedFace(face.scaled(*photo.scale), candidates, threshold)
            for face, candidates in zip(faces, found.candidates, strict=True)
        )
        return Recognition(photo.size, recognised, found.faces, embedder.calibration, watch.times)
