"""Taking people out of a gallery and bringing them in, with all that is kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mien.domain.errors import AlreadyRegistered
from mien.domain.gallery import Action, Enrolled, GalleryId, Receipt, Subject
from mien.ports.clock import Clock, utc_now
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery

_PAGE = 100
_ALWAYS = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Exported:
    """All that is kept of a person, and what the audit log says of them."""

    enrolled: Enrolled
    receipts: tuple[Receipt, ...]


def subjects_of(gallery: Gallery, gallery_id: GalleryId) -> Iterator[Subject]:
    """Everybody. Raises Unavailable."""
    after = None
    while True:
        page = gallery.page(gallery_id, _PAGE, after)
        yield from page.subjects
        after = page.next_after
        if after is None:
            return


def export(gallery: Gallery, gallery_id: GalleryId, subjects: Sequence[Subject]) -> Iterator[Exported]:
    """All that is kept of these people; who has gone meanwhile is left out. Raises Unavailable."""
    receipts = gallery.receipts(gallery_id, _ALWAYS)
    for start in range(0, len(subjects), _PAGE):
        some = subjects[start : start + _PAGE]
        templates = {t.uid: t for t in gallery.templates_of(gallery_id, [subject.uid for subject in some])}
        for subject in some:
            if subject.uid in templates:
                about = tuple(receipt for receipt in receipts if receipt.uid == subject.uid)
                yield Exported(Enrolled(subject, templates[subject.uid]), about)


@dataclass(frozen=True, slots=True)
class Import:
    """Brings exported people in."""

    gallery: Gallery
    search: FaceSearch
    clock: Clock = utc_now

    def __call__(self, gallery_id: GalleryId, enrolled: Enrolled, by: str) -> None:
        """Bring somebody in as they were.

        Raises:
            AlreadyRegistered: the uid is taken.
            Unavailable: the gallery does not answer.

        """
        subject = enrolled.subject
        receipt = Receipt.of(Action.REGISTERED, subject.uid, len(subject.face_ids), by, self.clock())
        if not self.gallery.swap(gallery_id, receipt, None, enrolled):
            raise AlreadyRegistered(f"Somebody is enrolled as {subject.uid!r} already.")
        self.search.changed(gallery_id, subject.uid, enrolled.templates)
