"""Searching galleries that are too large for a function's memory, with Amazon S3 Vectors.

The gallery stays the truth. An index only proposes: whom it names is looked up in the gallery, and scored by what
stands there. So a subject that the index still holds is not found once it is deleted or has expired. `rebuild` brings
the index in step: after a function ended between the two writes, for expired subjects, or for a gallery that grew up
without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from botocore.exceptions import ClientError

from mien.adapters.aws import unavailable
from mien.domain.errors import EmbeddingSpaceMismatch, Unavailable
from mien.domain.face_index import Candidate
from mien.domain.gallery import MAX_REFERENCES, GalleryId, Templates
from mien.domain.matching import Embedding
from mien.domain.templates import vectors
from mien.ports.clock import Clock, utc_now
from mien.ports.face_search import Found
from mien.ports.gallery import Gallery

TOP = 100  # the most that S3 Vectors answers with
CENSUS_AGE = timedelta(hours=1)

_NAME_BYTES = 16
_PARALLEL = 8
_DELETED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Census:
    """How many faces of which space a gallery holds; the threshold follows its logarithm, so it may be old."""

    faces: int
    foreign: int
    taken_at: datetime


class S3VectorsSearch:
    """A FaceSearch on one vector bucket, with an index for each gallery. `client` is a boto3 S3 Vectors client."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        gallery: Gallery,
        space: str,
        dimensions: int,
        clock: Clock = utc_now,
        census_age: timedelta = CENSUS_AGE,
    ) -> None:
        """Search for embeddings of this space and length."""
        self._client, self._bucket, self._gallery = client, bucket, gallery
        self._space, self._dimensions, self._clock = space, dimensions, clock
        self._census_age = census_age
        self._censuses: dict[GalleryId, _Census] = {}

    def search(self, gallery: GalleryId, probes: Sequence[Embedding], limit: int) -> Found:
        census = self._census(gallery)
        if census.foreign or any(probe.space != self._space for probe in probes):
            raise EmbeddingSpaceMismatch("People of this collection were enrolled with another model.")
        with ThreadPoolExecutor(min(len(probes), _PARALLEL)) as pool:
            proposed = list(pool.map(lambda probe: self._propose(gallery, probe), probes))
        current = self._gallery.templates_of(gallery, set().union(*proposed))
        found = [
            _best(probe, [t for t in current if t.uid in uids], limit)
            for probe, uids in zip(probes, proposed, strict=True)
        ]
        return Found(found, census.faces)

    def changed(self, gallery: GalleryId, uid: str, templates: Templates | None) -> None:
        faces = () if templates is None else vectors(templates.packed, self._dimensions)
        where = self._where(gallery)
        with unavailable("The search index"):
            if len(faces):
                put = [{"key": _key(uid, n), "data": {"float32": face.tolist()}} for n, face in enumerate(faces)]
                self._put(where, put)
            gone = [_key(uid, number) for number in range(len(faces), MAX_REFERENCES)]
            if gone:
                self._delete(where, gone)

    def rebuild(self, gallery: GalleryId) -> None:
        uids = set()
        for batch in self._gallery.templates(gallery):
            for templates in batch:
                if templates.space == self._space:
                    self.changed(gallery, templates.uid, templates)
                    uids.add(templates.uid)
        with unavailable("The search index"):
            pages = self._client.get_paginator("list_vectors").paginate(**self._where(gallery))
            keys = [vector["key"] for page in pages for vector in page["vectors"]]
            gone = [key for key in keys if key.rpartition("/")[0] not in uids]
            for start in range(0, len(gone), _DELETED_AT_ONCE):
                self._delete(self._where(gallery), gone[start : start + _DELETED_AT_ONCE])

    def _census(self, gallery: GalleryId) -> _Census:
        census = self._censuses.get(gallery)
        if census is None or census.taken_at + self._census_age <= self._clock():
            counted = self._gallery.count_faces(gallery)
            faces = sum(counted.values())
            census = _Census(faces, faces - counted.get(self._space, 0), self._clock())
            self._censuses[gallery] = census
        return census

    def _propose(self, gallery: GalleryId, probe: Embedding) -> set[str]:
        query = {"float32": probe.vector.tolist()}
        try:
            with unavailable("The search index"):
                answer = self._client.query_vectors(**self._where(gallery), topK=TOP, queryVector=query)
        except Unavailable as error:
            if _is_missing(error.__cause__):
                return set()
            raise
        return {vector["key"].rpartition("/")[0] for vector in answer["vectors"]}

    def _put(self, where: dict[str, str], put: list[dict[str, Any]]) -> None:
        try:
            self._client.put_vectors(**where, vectors=put)
        except ClientError as error:
            if not _is_missing(error):
                raise
            self._create_index(where)
            self._client.put_vectors(**where, vectors=put)

    def _create_index(self, where: dict[str, str]) -> None:
        try:
            self._client.create_index(**where, dataType="float32", dimension=self._dimensions, distanceMetric="cosine")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":  # another function made it
                raise

    def _delete(self, where: dict[str, str], keys: list[str]) -> None:
        try:
            self._client.delete_vectors(**where, keys=keys)
        except ClientError as error:
            if not _is_missing(error):
                raise

    def _where(self, gallery: GalleryId) -> dict[str, str]:
        """A gallery's index for this space: another model's embeddings go to another."""
        text = "\0".join((gallery.tenant, gallery.collection, self._space))
        name = hashlib.blake2b(text.encode(), digest_size=_NAME_BYTES).hexdigest()
        return {"vectorBucketName": self._bucket, "indexName": name}


def _best(probe: Embedding, proposed: Sequence[Templates], limit: int) -> tuple[Candidate, ...]:
    scored = [
        Candidate(subject.uid, float(np.max(vectors(subject.packed, len(probe.vector)) @ probe.vector)))
        for subject in proposed
        if subject.space == probe.space
    ]
    return tuple(sorted(scored, key=lambda candidate: -candidate.cosine)[:limit])


def _key(uid: str, number: int) -> str:
    return f"{uid}/{number}"


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "NotFoundException"
