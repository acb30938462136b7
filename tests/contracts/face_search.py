from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from mien.domain.errors import EmbeddingSpaceMismatch
from mien.domain.gallery import Action, Enrolled, GalleryId
from mien.domain.matching import Embedding
from mien.domain.templates import vectors
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery
from tests.contracts.gallery import HERE, SPACE, START, FakeClock, person, receipt


def probe(enrolled: Enrolled, face: int = 0) -> Embedding:
    """A probe that is one of a subject's references."""
    return Embedding(vectors(enrolled.templates.packed, 512)[face], SPACE)


class FaceSearchContract:
    """Subclass and provide fixtures: `gallery`, and `search` and `another` over it, as two functions have them."""

    @pytest.fixture
    def write(self, gallery: Gallery, search: FaceSearch, clock: FakeClock) -> Callable[..., None]:
        """Put or delete a subject, as the use cases do."""

        def write(uid: str, new: Enrolled | None, where: GalleryId = HERE) -> None:
            action = Action.DELETED if new is None else Action.UPDATED
            entry = receipt(action, uid, now=clock())
            assert gallery.swap(where, entry, gallery.find(where, uid), new)
            search.changed(where, uid, new and new.templates)

        return write

    def test_nobody_is_found_in_an_empty_gallery(self, search: FaceSearch) -> None:
        found = search.search(HERE, [probe(person("jane"))], 5)
        assert list(found.candidates) == [()]
        assert found.faces == 0

    def test_a_subject_is_found_by_any_of_its_faces(self, search: FaceSearch, write: Callable[..., None]) -> None:
        jane, joe = person("jane", 3, seed=1), person("joe", seed=2)
        write("jane", jane)
        write("joe", joe)
        found = search.search(HERE, [probe(jane, 2), probe(joe)], 5)
        assert [[c.uid for c in candidates] for candidates in found.candidates] == [["jane", "joe"], ["joe", "jane"]]
        assert found.candidates[0][0].cosine == pytest.approx(1, abs=0.01)
        assert found.faces == 4

    def test_no_more_than_asked_for_are_found(self, search: FaceSearch, write: Callable[..., None]) -> None:
        for n in range(6):
            write(f"p{n}", person(f"p{n}", 2, seed=n))
        found = search.search(HERE, [probe(person("p3", 2, seed=3))], 4)
        assert len(found.candidates[0]) == 4
        assert found.candidates[0][0].uid == "p3"

    def test_every_change_is_seen_by_the_next_search_of_every_function(
        self, search: FaceSearch, another: FaceSearch, write: Callable[..., None], clock: FakeClock
    ) -> None:
        old, new = person("jane", seed=1), person("jane", seed=2)
        steps: list[tuple[Enrolled | None, float | None]] = [(old, 0), (new, 1), (None, None), (old, 0)]
        for step, (state, _) in enumerate(steps):
            clock.advance(seconds=step)
            write("jane", state)
            for function in (search, another):
                (candidates,) = function.search(HERE, [probe(old)], 1).candidates
                if state is None:
                    assert candidates == ()
                else:
                    assert candidates[0].uid == "jane"
                    assert (candidates[0].cosine > 0.9) == (state is old)

    def test_a_change_that_lands_late_is_seen(
        self, gallery: Gallery, search: FaceSearch, another: FaceSearch, clock: FakeClock
    ) -> None:
        """Its receipt bears the time when the writer began; the others have looked at later ones since."""
        jane = person("jane", seed=1)
        begun = clock()
        for _ in range(4):
            clock.advance(seconds=10)
            search.search(HERE, [probe(jane)], 1)
            another.search(HERE, [probe(jane)], 1)
        assert gallery.swap(HERE, receipt(Action.REGISTERED, "jane", now=begun), None, jane)
        search.changed(HERE, "jane", jane.templates)
        for _ in range(8):
            clock.advance(seconds=10)
            assert another.search(HERE, [probe(jane)], 1).candidates[0][0].uid == "jane"

    def test_an_expired_subject_is_not_found(
        self, search: FaceSearch, write: Callable[..., None], clock: FakeClock
    ) -> None:
        jane = person("jane", expires_at=START + timedelta(days=1))
        write("jane", jane)
        assert search.search(HERE, [probe(jane)], 1).candidates[0]
        clock.advance(days=1)
        assert list(search.search(HERE, [probe(jane)], 1).candidates) == [()]

    @pytest.mark.parametrize("other", [GalleryId("tenant-b", "default"), GalleryId("tenant-a", "other")])
    def test_galleries_are_searched_apart(
        self, search: FaceSearch, write: Callable[..., None], other: GalleryId
    ) -> None:
        jane, joe = person("jane", seed=1), person("joe", seed=2)
        write("jane", jane)
        write("joe", joe, other)
        assert [c.uid for c in search.search(HERE, [probe(joe)], 5).candidates[0]] == ["jane"]
        assert [c.uid for c in search.search(other, [probe(jane)], 5).candidates[0]] == ["joe"]

    def test_a_rebuilt_search_finds_as_before(self, search: FaceSearch, write: Callable[..., None]) -> None:
        jane = person("jane", 2)
        write("jane", jane)
        search.rebuild(HERE)
        assert [c.uid for c in search.search(HERE, [probe(jane)], 5).candidates[0]] == ["jane"]

    def test_a_gallery_of_another_model_is_refused(self, search: FaceSearch, write: Callable[..., None]) -> None:
        write("new", person("new"))
        write("old", person("old", space="another@1"))
        with pytest.raises(EmbeddingSpaceMismatch, match="another model"):
            search.search(HERE, [probe(person("new"))], 1)

    def test_a_probe_of_another_model_is_refused(self, search: FaceSearch, write: Callable[..., None]) -> None:
        write("jane", person("jane"))
        with pytest.raises(EmbeddingSpaceMismatch):
            search.search(HERE, [Embedding(np.ones(512, np.float32), "another@1")], 1)
