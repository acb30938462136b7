"""A gallery in memory, searched face by face. Exhaustive, so the nearest is the nearest."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.domain.gallery import MAX_REFERENCES, Templates
from mien.domain.geometry import FloatArray
from mien.domain.templates import unpack

_BLOCK = 4096  # faces; the index grows by blocks, so that nothing is ever copied to make room
_STRIDE = 1024  # faces scored at once: their float32 copy stays in the processor's cache
_GROUP = 16  # faces; the highest score of each stands for it when the best are sought
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the gallery whom a probe resembles: the cosine with the closest of the subject's references."""

    uid: str
    cosine: float


class FaceIndex:
    """The templates of one space, as bytes in memory. Faces lie densely: a removed one's place is taken by the last.

    `foreign` are the uids of subjects whose templates lie in another space; they are known, but not searched.
    """

    def __init__(self, space: str, dimensions: int) -> None:
        self.foreign: set[str] = set()
        self._space, self._dimensions = space, dimensions
        self._blocks: list[NDArray[np.int8]] = []
        self._scales = array("f")
        self._owners = array("i")  # by face: the number of its subject
        self._uids: list[str] = []  # by subject
        self._expiries = array("q")  # by subject: seconds since 1970

    def __len__(self) -> int:
        """How many faces are searched."""
        return len(self._owners)

    def add(self, subjects: Iterable[Templates]) -> None:
        """Add subjects that are not in the index."""
        for subject in subjects:
            if subject.space != self._space:
                self.foreign.add(subject.uid)
                continue
            records = unpack(subject.packed, self._dimensions)
            for values in records["values"]:
                self._place(len(self))[:] = values
                self._owners.append(len(self._uids))
            self._scales.extend(records["scale"].tolist())
            self._uids.append(subject.uid)
            expires = subject.expires_at
            self._expiries.append(_NEVER if expires is None else int(expires.timestamp()))

    def remove(self, uids: Iterable[str]) -> None:
        """Forget subjects; those that are not in the index are passed over."""
        numbers = {uid: number for number, uid in enumerate(self._uids)}
        for uid in set(uids):
            self.foreign.discard(uid)
            number = numbers.pop(uid, None)
            if number is not None:
                self._remove_subject(number)
                if number < len(self._uids):
                    numbers[self._uids[number]] = number

    def nearest(self, probes: FloatArray, limit: int, now: int) -> list[tuple[Candidate, ...]]:
        """For each probe of (n, dimensions) the `limit` most similar subjects not expired at `now`, best first."""
        if not len(self):
            return [()] * len(probes)
        scores = self._score(probes)
        expired = np.flatnonzero(np.frombuffer(self._expiries, np.int64) <= now)
        if len(expired):
            scores[:, np.isin(self._owner_array(), expired)] = -np.inf
        return [self._best(row, limit) for row in scores]

    def _score(self, probes: FloatArray) -> FloatArray:
        """(probes, faces) cosines."""
        scores = np.empty((len(self), len(probes)), np.float32)
        copy = np.empty((_STRIDE, self._dimensions), np.float32)
        columns = np.ascontiguousarray(probes.T)
        for start in range(0, len(self), _STRIDE):
            stop = min(start + _STRIDE, len(self))
            block, offset = self._blocks[start // _BLOCK], start % _BLOCK
            faces = copy[: stop - start]
            np.copyto(faces, block[offset : offset + stop - start])
            np.matmul(faces, columns, out=scores[start:stop])
        return np.ascontiguousarray(scores.T) * np.frombuffer(self._scales, np.float32)

    def _best(self, scores: FloatArray, limit: int) -> tuple[Candidate, ...]:
        top = _top(scores, limit * MAX_REFERENCES)  # among so many faces there are `limit` subjects
        best: dict[int, float] = {}
        for face in top[np.argsort(-scores[top], kind="stable")]:
            cosine = float(scores[face])
            if cosine == -np.inf or len(best) == limit:
                break
            best.setdefault(self._owners[face], cosine)
        return tuple(Candidate(self._uids[number], cosine) for number, cosine in best.items())

    def _owner_array(self) -> NDArray[np.int32]:
        return np.frombuffer(self._owners, np.int32)

    def _place(self, face: int) -> NDArray[np.int8]:
        """The values of a face; room is made for the one after the last."""
        if face == len(self._blocks) * _BLOCK:
            self._blocks.append(np.zeros((_BLOCK, self._dimensions), np.int8))
        return self._blocks[face // _BLOCK][face % _BLOCK]

    def _remove_subject(self, number: int) -> None:
        faces = np.flatnonzero(self._owner_array() == number).tolist()
        for face in reversed(faces):
            self._remove_face(face)
        last = len(self._uids) - 1
        for face in np.flatnonzero(self._owner_array() == last).tolist():
            self._owners[face] = number
        self._uids[number], self._expiries[number] = self._uids[last], self._expiries[last]
        self._uids.pop()
        self._expiries.pop()

    def _remove_face(self, face: int) -> None:
        last = len(self) - 1
        self._place(face)[:] = self._place(last)
        self._place(last)[:] = 0  # a forgotten face does not stay behind
        self._scales[face], self._owners[face] = self._scales[last], self._owners[last]
        self._scales.pop()
        self._owners.pop()


def _top(scores: FloatArray, count: int) -> NDArray[np.intp]:
    """Places of the `count` highest scores, and perhaps of a few more: those that reach the peaks of `count` groups."""
    groups = len(scores) // _GROUP
    if groups <= count:
        return np.arange(len(scores))
    peaks = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    return np.flatnonzero(scores >= np.partition(peaks, -count)[-count])
