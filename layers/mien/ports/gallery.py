"""Where enrolled subjects are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from mien.domain.gallery import Enrolled, GalleryId, Receipt, Subject, SubjectPage, Templates

LATEST_LANDING = timedelta(seconds=60)
"""A change may be written up to this long after the time in its receipt's id: longer than any function runs, and than
an adapter goes on trying. Whoever follows the receipts reads again from that long before they last looked.
"""


class Gallery(Protocol):
    """Subjects, by gallery and uid, with their templates and the audit log. Expired subjects are not there.

    Every method may raise Unavailable.
    """

    def find(self, gallery: GalleryId, uid: str) -> Subject | None:
        """The subject as it is now, after every change that has been answered."""

    def swap(
        self,
        gallery: GalleryId,
        receipt: Receipt,
        held: Subject | None,
        new: Enrolled | None,
    ) -> bool:
        """Write `new` where `held` stands (None: nobody), and the receipt, all or nothing.

        False when something else stands there, and nothing is written. The same swap may be written again, when it is
        not known whether it was: the second is True and changes nothing.
        """

    def page(self, gallery: GalleryId, limit: int, after: str | None = None) -> SubjectPage:
        """At most `limit` subjects, in an order of the adapter's own, from after a uid on; the uid need not exist."""

    def count_faces(self, gallery: GalleryId) -> dict[str, int]:
        """How many faces there are of each space."""

    def templates(self, gallery: GalleryId) -> Iterator[Sequence[Templates]]:
        """All templates, in batches as they arrive. Changes of the last moments may be missing."""

    def templates_of(self, gallery: GalleryId, uids: Collection[str]) -> list[Templates]:
        """The templates of those of these subjects that are there, after every change that has been answered."""

    def receipts(self, gallery: GalleryId, since: datetime) -> list[Receipt]:
        """The audit log from a time on, oldest first, with every change that has been answered."""

    def close(self) -> None:
        """Let go of files and connections; the gallery is of no more use."""
