"""Deletion: nothing is kept of a subject but the receipt."""

from __future__ import annotations

from dataclasses import dataclass

from mien.domain.gallery import Action, GalleryId, Receipt
from mien.ports.clock import Clock, utc_now
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery
from mien.usecases.enrol import find_subject


@dataclass(frozen=True, slots=True)
class Forget:
    """Deletes subjects."""

    gallery: Gallery
    search: FaceSearch
    clock: Clock = utc_now

    def __call__(self, gallery: GalleryId, uid: str, by: str) -> int:
        """Delete a subject; how many faces there were.

        Raises:
            SubjectNotFound: nobody is enrolled under the uid.
            Unavailable: the gallery does not answer.

        """
        while True:
            held = find_subject(self.gallery, gallery, uid)
            receipt = Receipt.of(Action.DELETED, uid, len(held.face_ids), by, self.clock())
            if self.gallery.swap(gallery, receipt, held, None):
                self.search.changed(gallery, uid, None)
                return len(held.face_ids)
