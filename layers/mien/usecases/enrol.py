"""Enrolment: photos of a person become the references of a subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mien.domain.errors import (
    AlreadyRegistered,
    FaceError,
    ImageError,
    InvalidParameter,
    LowQuality,
    MienError,
    Spoof,
    SubjectNotFound,
)
from mien.domain.gallery import (
    MAX_REFERENCES,
    Action,
    Enrolled,
    GalleryId,
    Receipt,
    Subject,
    Templates,
    new_face_id,
)
from mien.domain.matching import Embedding
from mien.domain.templates import pack
from mien.ports.clock import Clock, utc_now
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery
from mien.usecases.probe import FaceReader

MIN_QUALITY = 0.42
"""Below it fewer than half of a person's photos match another of theirs: `bench.calibrate`, min_quality."""


@dataclass(frozen=True, slots=True)
class RejectedPhoto:
    """A photo that gave no reference, by its place among those sent, and why."""

    index: int
    error: MienError


@dataclass(frozen=True, slots=True)
class Submission:
    """Photos of a person to be enrolled, JPEG, PNG or WebP files.

    `metadata` None keeps what there is. `min_liveness` is the least liveness score, 0-1, that a photo must have; None
    is the network's own operating point. Scans and archive photos need a lower one: they are no live captures.
    """

    uid: str
    photos: Sequence[bytes]
    metadata: str | None = None
    min_liveness: float | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of the photos."""

    subject: Subject
    rejected: tuple[RejectedPhoto, ...]


@dataclass(frozen=True, slots=True)
class Enrol:
    """Registers subjects and replaces their faces. With a retention, each is forgotten that long after."""

    reader: FaceReader
    gallery: Gallery
    search: FaceSearch
    retention: timedelta | None = None
    clock: Clock = utc_now

    def register(self, gallery: GalleryId, submission: Submission, by: str) -> Enrolment:
        """Enrol somebody new.

        Raises:
            AlreadyRegistered: the uid is taken.
            FaceError, ImageError: no photo can be used, and nothing was changed.
            Unavailable: the gallery does not answer.

        """
        uid = submission.uid
        if self.gallery.find(gallery, uid) is not None:
            raise _taken(uid)
        references, rejected = self._read(submission)
        now = self.clock()
        enrolled = self._enrolled(Subject(uid, (), "", submission.metadata, now, now), references)
        receipt = Receipt.of(Action.REGISTERED, uid, len(references), by, now)
        if not self.gallery.swap(gallery, receipt, None, enrolled):
            raise _taken(uid)
        self.search.changed(gallery, uid, enrolled.templates)
        return Enrolment(enrolled.subject, rejected)

    def update(self, gallery: GalleryId, submission: Submission, by: str) -> Enrolment:
        """Replace all faces of somebody, and the metadata where new is given.

        Raises:
            SubjectNotFound: nobody is enrolled under the uid.
            FaceError, ImageError: no photo can be used, and nothing was changed.
            Unavailable: the gallery does not answer.

        """
        uid, metadata = submission.uid, submission.metadata
        find_subject(self.gallery, gallery, uid)
        references, rejected = self._read(submission)
        while True:
            held = find_subject(self.gallery, gallery, uid)
            now = self.clock()
            kept = held.metadata if metadata is None else metadata
            enrolled = self._enrolled(Subject(uid, (), "", kept, held.created_at, now), references)
            receipt = Receipt.of(Action.UPDATED, uid, len(references), by, now)
            if self.gallery.swap(gallery, receipt, held, enrolled):
                self.search.changed(gallery, uid, enrolled.templates)
                return Enrolment(enrolled.subject, rejected)

    def _read(self, submission: Submission) -> tuple[list[Embedding], tuple[RejectedPhoto, ...]]:
        """The embeddings of the usable photos, and the others. Raises as `register` does when none is usable."""
        photos = submission.photos
        if len(photos) > MAX_REFERENCES:
            raise InvalidParameter(f"There are {len(photos)} photos; a person may have {MAX_REFERENCES}.")
        embeddings, rejected = [], []
        for index, photo in enumerate(photos):
            try:
                embeddings.append(self._reference(photo, f"image at index {index}", submission.min_liveness))
            except (FaceError, ImageError) as error:
                rejected.append(RejectedPhoto(index, error))
        if not embeddings:
            first = rejected[0].error
            others = "".join(f" {other.error}" for other in rejected[1:])
            raise type(first)(f"{first}{others} Nothing was changed.")
        return embeddings, tuple(rejected)

    def _reference(self, photo: bytes, name: str, min_liveness: float | None) -> Embedding:
        probe = self.reader.read_one(photo, name)
        if probe.face.quality.score < MIN_QUALITY:
            raise LowQuality(f"The face of the {name} is too small, dark, blurred or averted to be told from others.")
        liveness = probe.face.liveness
        if not (liveness.is_live if min_liveness is None else liveness.score >= min_liveness):
            raise Spoof(f"The face of the {name} does not look like a live person's.")
        return probe.embedding

    def _enrolled(self, subject: Subject, references: Sequence[Embedding]) -> Enrolled:
        space = references[0].space
        expires = None
        if self.retention is not None:
            expires = (subject.updated_at + self.retention).replace(microsecond=0)
        face_ids = tuple(new_face_id() for _ in references)
        subject = replace(subject, face_ids=face_ids, space=space, expires_at=expires)
        return Enrolled(subject, Templates(subject.uid, space, pack(references), expires))


def find_subject(gallery: Gallery, gallery_id: GalleryId, uid: str) -> Subject:
    """The subject of a uid. Raises SubjectNotFound or Unavailable."""
    subject = gallery.find(gallery_id, uid)
    if subject is None:
        raise SubjectNotFound(f"Nobody is enrolled as {uid!r}.")
    return subject


def _taken(uid: str) -> AlreadyRegistered:
    return AlreadyRegistered(f"Somebody is enrolled as {uid!r} already; update_face replaces their faces.")
