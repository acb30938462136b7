"""Whom does a face resemble?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mien.domain.face_index import Candidate
from mien.domain.gallery import GalleryId, Templates
from mien.domain.matching import Embedding


@dataclass(frozen=True, slots=True)
class Found:
    """For each probe the most similar subjects, best first, and how many faces it was compared with."""

    candidates: Sequence[tuple[Candidate, ...]]
    faces: int


class FaceSearch(Protocol):
    """Searches galleries."""

    def search(self, gallery: GalleryId, probes: Sequence[Embedding], limit: int) -> Found:
        """The `limit` most similar subjects to each probe, as the gallery is now.

        Raises:
            EmbeddingSpaceMismatch: faces of the gallery lie in another space than the probes.
            Unavailable: the gallery cannot be read.

        """

    def changed(self, gallery: GalleryId, uid: str, templates: Templates | None) -> None:
        """A subject now has these templates, or none; called after the gallery holds them."""

    def rebuild(self, gallery: GalleryId) -> None:
        """Make what is searched hold what the gallery holds, and nothing else. Raises Unavailable."""
