from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.domain.gallery import Action, Enrolled, GalleryId, Receipt, Subject, Templates
from mien.domain.matching import Embedding
from mien.domain.templates import pack
from mien.ports.gallery import Gallery

HERE = GalleryId("tenant-a", "default")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
SPACE = "a-model@00000000"


class FakeClock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def person(uid: str, faces: int = 1, *, seed: int = 0, space: str = SPACE, **changes: object) -> Enrolled:
    """A subject with random templates."""
    vectors = np.random.default_rng(seed).standard_normal((faces, 512)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    subject = Subject(uid, tuple(f"{seed:08x}{n:08x}" for n in range(faces)), space, None, START, START)
    subject = replace(subject, **changes)  # type: ignore[arg-type]
    packed = pack([Embedding(vector, space) for vector in vectors])
    return Enrolled(subject, Templates(uid, space, packed, subject.expires_at))


def receipt(action: Action, uid: str, faces: int = 1, now: datetime = START) -> Receipt:
    return Receipt.of(action, uid, faces, "key-1", now)


def enrol(gallery: Gallery, new: Enrolled, where: GalleryId = HERE, now: datetime = START) -> Subject:
    entry = receipt(Action.REGISTERED, new.subject.uid, len(new.subject.face_ids), now)
    assert gallery.swap(where, entry, None, new)
    return new.subject


def delete(gallery: Gallery, held: Subject, where: GalleryId = HERE) -> bool:
    return gallery.swap(where, receipt(Action.DELETED, held.uid, len(held.face_ids)), held, None)


def loaded(gallery: Gallery, where: GalleryId = HERE) -> dict[str, Templates]:
    return {templates.uid: templates for batch in gallery.templates(where) for templates in batch}


def listed(gallery: Gallery, limit: int, where: GalleryId = HERE) -> list[str]:
    uids: list[str] = []
    after = None
    while True:
        page = gallery.page(where, limit, after)
        assert len(page.subjects) <= limit
        uids += [subject.uid for subject in page.subjects]
        after = page.next_after
        if after is None:
            return uids


class GalleryContract:
    """Subclass and provide fixtures: `gallery`, and `open_again`, which opens the same store; both on the `clock`."""

    def test_an_enrolled_subject_is_found_whole(self, gallery: Gallery) -> None:
        new = person("Jane Doe/42", 3, metadata='{"né": "1970"}', expires_at=START + timedelta(days=1))
        enrol(gallery, new)
        assert gallery.find(HERE, "Jane Doe/42") == new.subject
        assert gallery.templates_of(HERE, ["Jane Doe/42", "nobody"]) == [new.templates]
        assert loaded(gallery) == {"Jane Doe/42": new.templates}

    def test_a_uid_can_be_taken_once(self, gallery: Gallery) -> None:
        first, second = person("jane", seed=1), person("jane", seed=2)
        enrol(gallery, first)
        assert not gallery.swap(HERE, receipt(Action.REGISTERED, "jane"), None, second)
        assert gallery.find(HERE, "jane") == first.subject
        assert loaded(gallery) == {"jane": first.templates}
        assert len(gallery.receipts(HERE, START)) == 1

    def test_a_subject_is_replaced_only_as_it_was_read(self, gallery: Gallery) -> None:
        first, second, third = (person("jane", n, seed=n) for n in (1, 2, 3))
        enrol(gallery, first)
        assert gallery.swap(HERE, receipt(Action.UPDATED, "jane"), first.subject, second)
        assert not gallery.swap(HERE, receipt(Action.UPDATED, "jane"), first.subject, third)
        assert not delete(gallery, first.subject)
        assert gallery.find(HERE, "jane") == second.subject
        assert loaded(gallery) == {"jane": second.templates}

    def test_of_a_deleted_subject_nothing_is_left_but_receipts(self, gallery: Gallery) -> None:
        subject = enrol(gallery, person("jane", 2))
        assert delete(gallery, subject)
        assert gallery.find(HERE, "jane") is None
        assert gallery.templates_of(HERE, ["jane"]) == []
        assert loaded(gallery) == {}
        assert listed(gallery, 10) == []
        assert gallery.count_faces(HERE) == {}
        assert not delete(gallery, subject)
        done = [(line.action, line.uid, line.faces, line.by) for line in gallery.receipts(HERE, START)]
        assert sorted(done) == [(Action.DELETED, "jane", 2, "key-1"), (Action.REGISTERED, "jane", 2, "key-1")]

    def test_a_deleted_uid_can_be_taken_again(self, gallery: Gallery) -> None:
        assert delete(gallery, enrol(gallery, person("jane", seed=1)))
        again = person("jane", seed=2)
        enrol(gallery, again)
        assert gallery.find(HERE, "jane") == again.subject

    def test_the_same_swap_written_twice_is_written_once(self, gallery: Gallery) -> None:
        new, entry = person("jane"), receipt(Action.REGISTERED, "jane")
        assert gallery.swap(HERE, entry, None, new)
        assert gallery.swap(HERE, entry, None, new)
        gone = receipt(Action.DELETED, "jane")
        assert gallery.swap(HERE, gone, new.subject, None)
        assert gallery.swap(HERE, gone, new.subject, None)
        assert len(gallery.receipts(HERE, START)) == 2

    @pytest.mark.parametrize("limit", [1, 2, 7, 100])
    def test_pages_list_everybody_once(self, gallery: Gallery, limit: int) -> None:
        uids = [f"person {n}" for n in range(23)]
        for uid in uids:
            enrol(gallery, person(uid))
        assert sorted(listed(gallery, limit)) == sorted(uids)

    def test_a_page_goes_on_after_a_uid_that_is_gone(self, gallery: Gallery) -> None:
        subjects = [enrol(gallery, person(f"person {n}")) for n in range(9)]
        page = gallery.page(HERE, 4)
        (last,) = (subject for subject in subjects if subject.uid == page.next_after)
        assert delete(gallery, last)
        rest = gallery.page(HERE, 100, page.next_after)
        assert len(rest.subjects) == 5
        assert rest.next_after is None

    def test_faces_are_counted_by_space(self, gallery: Gallery) -> None:
        enrol(gallery, person("a", 2))
        enrol(gallery, person("b", 3))
        enrol(gallery, person("c", 1, space="another-model@11111111"))
        assert gallery.count_faces(HERE) == {SPACE: 5, "another-model@11111111": 1}

    def test_receipts_come_in_order_from_a_time_on(self, gallery: Gallery, clock: FakeClock) -> None:
        for n in range(5):
            enrol(gallery, person(f"person {n}"), now=START + timedelta(seconds=n))
        lines = gallery.receipts(HERE, START + timedelta(seconds=2))
        assert [line.uid for line in lines] == ["person 2", "person 3", "person 4"]
        assert lines[0].at == START + timedelta(seconds=2)

    def test_an_expired_subject_is_not_there(self, gallery: Gallery, clock: FakeClock) -> None:
        until = START + timedelta(days=30)
        enrol(gallery, person("jane", seed=1, expires_at=until))
        enrol(gallery, person("joe"))
        clock.advance(days=29)
        assert set(loaded(gallery)) == {"jane", "joe"}
        clock.advance(days=1)
        assert gallery.find(HERE, "jane") is None
        assert set(loaded(gallery)) == {"joe"}
        assert gallery.templates_of(HERE, ["jane"]) == []
        assert listed(gallery, 10) == ["joe"]
        assert gallery.count_faces(HERE) == {SPACE: 1}
        again = person("jane", seed=2)
        enrol(gallery, again)
        assert gallery.find(HERE, "jane") == again.subject
        assert loaded(gallery)["jane"] == again.templates

    @pytest.mark.parametrize(
        "other",
        [
            GalleryId("tenant-b", "default"),
            GalleryId("tenant-a", "other"),
            GalleryId("tenant-a", ""),
            GalleryId("", "tenant-adefault"),
            GalleryId("tenant", "-adefault"),
            GalleryId("tenant-a' OR '1'='1", "default"),
        ],
    )
    def test_galleries_know_nothing_of_each_other(self, gallery: Gallery, other: GalleryId) -> None:
        mine = person("jane", seed=1)
        enrol(gallery, mine)
        assert gallery.find(other, "jane") is None
        assert listed(gallery, 10, other) == []
        assert gallery.page(other, 10, "a").subjects == []
        assert loaded(gallery, other) == {}
        assert gallery.templates_of(other, ["jane"]) == []
        assert gallery.count_faces(other) == {}
        assert gallery.receipts(other, START) == []
        assert not delete(gallery, mine.subject, other)
        theirs = person("jane", seed=2)
        enrol(gallery, theirs, other)
        assert gallery.find(HERE, "jane") == mine.subject
        assert loaded(gallery) == {"jane": mine.templates}

    @pytest.mark.parametrize("uid", ["' OR '1'='1", "%", "a/b#c", "..", "~" * 128, '"quoted"'])
    def test_any_printable_uid_is_only_a_name(self, gallery: Gallery, uid: str) -> None:
        enrol(gallery, person("jane"))
        new = person(uid, seed=3)
        enrol(gallery, new)
        assert gallery.find(HERE, uid) == new.subject
        assert sorted(listed(gallery, 1)) == sorted(["jane", uid])
        assert delete(gallery, new.subject)
        assert listed(gallery, 1) == ["jane"]

    def test_twenty_faces_and_two_kilobytes_of_metadata_fit(self, gallery: Gallery) -> None:
        new = person("jane", 20, metadata="é" * 1024)
        enrol(gallery, new)
        assert gallery.find(HERE, "jane") == new.subject
        assert loaded(gallery) == {"jane": new.templates}

    def test_what_is_written_is_there_when_the_store_is_opened_again(
        self, gallery: Gallery, open_again: Callable[[], Gallery]
    ) -> None:
        new = person("jane", 2)
        enrol(gallery, new)
        again = open_again()
        assert again.find(HERE, "jane") == new.subject
        assert loaded(again) == {"jane": new.templates}
        assert delete(again, new.subject)
        assert gallery.find(HERE, "jane") is None

    def test_of_many_registrations_at_once_one_wins(self, gallery: Gallery, open_again: Callable[[], Gallery]) -> None:
        rivals = [person("jane", seed=n) for n in range(8)]
        stores = [open_again() for _ in rivals]
        barrier = threading.Barrier(len(rivals))
        won: list[Enrolled] = []

        def register(store: Gallery, rival: Enrolled) -> None:
            barrier.wait()
            if store.swap(HERE, receipt(Action.REGISTERED, "jane"), None, rival):
                won.append(rival)

        _at_once([lambda s=s, r=r: register(s, r) for s, r in zip(stores, rivals, strict=True)])
        (winner,) = won
        assert gallery.find(HERE, "jane") == winner.subject
        assert loaded(gallery) == {"jane": winner.templates}
        assert len(gallery.receipts(HERE, START)) == 1

    def test_updates_at_once_end_with_one_of_them_whole(
        self, gallery: Gallery, open_again: Callable[[], Gallery]
    ) -> None:
        enrol(gallery, person("jane"))
        rivals = [person("jane", n + 1, seed=n) for n in range(6)]
        stores = [open_again() for _ in rivals]

        def update(store: Gallery, rival: Enrolled) -> None:
            while True:
                held = store.find(HERE, "jane")
                if store.swap(HERE, receipt(Action.UPDATED, "jane"), held, rival):
                    return

        _at_once([lambda s=s, r=r: update(s, r) for s, r in zip(stores, rivals, strict=True)])
        final = gallery.find(HERE, "jane")
        (winner,) = (rival for rival in rivals if rival.subject == final)
        assert loaded(gallery) == {"jane": winner.templates}
        assert len(gallery.receipts(HERE, START)) == 1 + len(rivals)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(
        st.lists(
            st.tuples(st.sampled_from(["put", "delete", "stale"]), st.sampled_from("abcdef"), st.integers(1, 3)),
            max_size=25,
        )
    )
    def test_any_history_ends_as_a_plain_dict_would(
        self, gallery: Gallery, history: list[tuple[str, str, int]]
    ) -> None:
        where = GalleryId("tenant", f"{id(history)}-{np.random.default_rng().integers(2**60)}")
        model: dict[str, Enrolled] = {}
        for step, (action, uid, faces) in enumerate(history):
            held = model.get(uid)
            if action == "put":
                new = person(uid, faces, seed=step)
                assert gallery.swap(where, receipt(Action.UPDATED, uid), held and held.subject, new)
                model[uid] = new
            elif action == "delete" and held:
                assert delete(gallery, held.subject, where)
                del model[uid]
            elif action == "stale":
                assert not gallery.swap(where, receipt(Action.UPDATED, uid), person(uid).subject, person(uid))
        assert loaded(gallery, where) == {uid: enrolled.templates for uid, enrolled in model.items()}
        assert sorted(listed(gallery, 2, where)) == sorted(model)
        for uid in "abcdef":
            held = model.get(uid)
            assert gallery.find(where, uid) == (held and held.subject)


def _at_once(works: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
