"""Any history of a gallery, broken connections and restarts among it, against a plain dict searched plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.adapters.dynamodb_gallery import DynamoDbGallery
from mien.adapters.warm_search import WarmSearch
from mien.domain.errors import Unavailable
from mien.domain.gallery import Action, Enrolled, GalleryId
from mien.domain.templates import vectors
from mien.ports.gallery import Gallery
from tests.contracts.face_search import probe
from tests.contracts.gallery import SPACE, FakeClock, person, receipt
from tests.unit.conftest import TABLE, OneCallAtATime

UIDS = "abcde"
STEP = st.tuples(
    st.sampled_from(["put", "put", "delete", "restart", "wait"]),
    st.sampled_from(UIDS),
    st.integers(1, 3),
    st.sampled_from(["done", "done", "lost before", "lost after"]),
)


class Unreliable:
    """A gallery to which the connection breaks now and then, before a write or after it."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self.fate = "done"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gallery, name)

    def swap(self, *change: Any) -> bool:
        fate, self.fate = self.fate, "done"
        if fate == "lost before":
            raise Unavailable
        done = self._gallery.swap(*change)
        if fate == "lost after":
            raise Unavailable
        return done


@pytest.fixture(params=["sqlite", "dynamodb"])
def gallery(request: pytest.FixtureRequest, clock: FakeClock) -> Gallery:
    if request.param == "sqlite":
        store: Gallery = request.getfixturevalue("sqlite_gallery")
        return store
    return DynamoDbGallery(OneCallAtATime(request.getfixturevalue("dynamodb")), TABLE, clock)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=20), st.integers(0, 2**60))
def test_every_search_finds_what_a_plain_dict_would(
    gallery: Gallery, clock: FakeClock, steps: list[tuple[str, str, int, str]], run: int
) -> None:
    where = GalleryId("tenant", f"run-{run}-{np.random.default_rng().integers(2**60)}")
    unreliable = Unreliable(gallery)
    staying, restarted = (WarmSearch(gallery, SPACE, 512, clock) for _ in range(2))
    model: dict[str, Enrolled] = {}
    for number, (action, uid, faces, fate) in enumerate(steps):
        held = model.get(uid)
        if action == "restart":
            restarted = WarmSearch(gallery, SPACE, 512, clock)
        elif action == "wait":
            clock.advance(seconds=45)
        elif action == "put" or held:
            new = person(uid, faces, seed=number) if action == "put" else None
            entry = receipt(Action.UPDATED if new else Action.DELETED, uid, faces, clock())
            change = (where, entry, held and held.subject, new)
            unreliable.fate = fate
            try:
                assert unreliable.swap(*change)
            except Unavailable:
                assert unreliable.swap(*change)
            model.pop(uid) if new is None else model.update({uid: new})
        for search in (staying, restarted):
            _agree(search, where, model, probe(person(uid, 3, seed=number)))


def _agree(search: WarmSearch, where: GalleryId, model: dict[str, Enrolled], wanted: Any) -> None:
    found = search.search(where, [wanted], 10)
    scores = {
        uid: float((vectors(enrolled.templates.packed, 512) @ wanted.vector).max()) for uid, enrolled in model.items()
    }
    (candidates,) = found.candidates
    assert {candidate.uid: candidate.cosine for candidate in candidates} == pytest.approx(scores, abs=1e-5)
    assert found.faces == sum(len(enrolled.subject.face_ids) for enrolled in model.values())
