"""Searching galleries that a function keeps in memory, and keeps fresh by following their receipts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mien.domain.errors import ConfigurationError, EmbeddingSpaceMismatch
from mien.domain.face_index import FaceIndex
from mien.domain.gallery import GalleryId, Templates
from mien.domain.matching import Embedding
from mien.ports.clock import Clock, utc_now
from mien.ports.face_search import Found
from mien.ports.gallery import LATEST_LANDING, Gallery

MAX_FACES_IN_MEMORY = 500_000  # 0.3 GB of vectors


@dataclass(slots=True)
class _WarmGallery:
    """`as_of` is when the receipts were last read, `followed` the ids of those that may come again."""

    index: FaceIndex
    as_of: datetime
    followed: set[str]


class WarmSearch:
    """A FaceSearch over a Gallery. Not for use from two threads at once.

    Before every search it reads the receipts since the last, so a change that was answered before the search began is
    seen, wherever it was made. Least recently searched galleries make room for others.
    """

    def __init__(
        self,
        gallery: Gallery,
        space: str,
        dimensions: int,
        clock: Clock = utc_now,
        max_faces: int = MAX_FACES_IN_MEMORY,
    ) -> None:
        """Search for embeddings of this space and length."""
        self._gallery, self._space, self._dimensions, self._clock = gallery, space, dimensions, clock
        self._max_faces = max_faces
        self._warm: OrderedDict[GalleryId, _WarmGallery] = OrderedDict()

    def search(self, gallery: GalleryId, probes: Sequence[Embedding], limit: int) -> Found:
        """As the port says. Raises also ConfigurationError, when the gallery is larger than memory may hold."""
        index = self._fresh(gallery)
        if index.foreign or any(probe.space != self._space for probe in probes):
            raise EmbeddingSpaceMismatch(
                f"{len(index.foreign)} people of this collection were enrolled with another model, so nobody can be "
                "told apart. The operator must run `mien faces reembed` with their photos."
            )
        vectors = np.stack([probe.vector for probe in probes])
        return Found(index.nearest(vectors, limit, int(self._clock().timestamp())), len(index))

    def changed(self, gallery: GalleryId, uid: str, templates: Templates | None) -> None:
        """Nothing to do: the receipt tells."""

    def rebuild(self, gallery: GalleryId) -> None:
        self._warm.pop(gallery, None)

    def _fresh(self, gallery: GalleryId) -> FaceIndex:
        started = self._clock()
        warm = self._warm.get(gallery)
        if warm is None:
            warm = self._warm[gallery] = _WarmGallery(self._load(gallery), started, set())
        self._warm.move_to_end(gallery)
        try:
            self._follow(gallery, warm, started)
        except BaseException:
            del self._warm[gallery]  # half followed is neither old nor new
            raise
        self._make_room()
        return warm.index

    def _load(self, gallery: GalleryId) -> FaceIndex:
        index = FaceIndex(self._space, self._dimensions)
        for batch in self._gallery.templates(gallery):
            index.add(batch)
            if len(index) > self._max_faces:
                raise ConfigurationError(
                    f"A gallery of over {self._max_faces:,} faces is too large to search in memory; see "
                    "docs/galleries.md."
                )
        return index

    def _follow(self, gallery: GalleryId, warm: _WarmGallery, started: datetime) -> None:
        receipts = self._gallery.receipts(gallery, warm.as_of - LATEST_LANDING)
        changed = {receipt.uid for receipt in receipts if receipt.id not in warm.followed}
        if changed:
            current = self._gallery.templates_of(gallery, changed)
            warm.index.remove(changed)
            warm.index.add(current)
        warm.as_of, warm.followed = started, {receipt.id for receipt in receipts}

    def _make_room(self) -> None:
        while len(self._warm) > 1 and sum(len(warm.index) for warm in self._warm.values()) > self._max_faces:
            self._warm.popitem(last=False)
