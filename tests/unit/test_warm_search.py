from __future__ import annotations

from typing import Any

import pytest

from mien.adapters.sqlite_gallery import SqliteGallery
from mien.adapters.warm_search import WarmSearch
from mien.domain.errors import ConfigurationError, Unavailable
from mien.domain.gallery import GalleryId
from tests.contracts.face_search import FaceSearchContract, probe
from tests.contracts.gallery import HERE, SPACE, FakeClock, enrol, person


@pytest.fixture
def gallery(sqlite_gallery: SqliteGallery) -> SqliteGallery:
    return sqlite_gallery


@pytest.fixture
def loads(gallery: SqliteGallery, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of the store."""
    seen: list[str] = []
    for name in ("templates", "templates_of", "receipts"):
        method = getattr(gallery, name)

        def counted(*arguments: Any, name: str = name, method: Any = method) -> Any:
            seen.append(name)
            return method(*arguments)

        monkeypatch.setattr(gallery, name, counted)
    return seen


class TestWarmSearch(FaceSearchContract):
    @pytest.fixture
    def search(self, gallery: SqliteGallery, clock: FakeClock) -> WarmSearch:
        return WarmSearch(gallery, SPACE, 512, clock)

    @pytest.fixture
    def another(self, gallery: SqliteGallery, clock: FakeClock) -> WarmSearch:
        return WarmSearch(gallery, SPACE, 512, clock)


def test_a_warm_search_reads_only_receipts_and_what_changed(
    gallery: SqliteGallery, clock: FakeClock, loads: list[str]
) -> None:
    jane = person("jane")
    enrol(gallery, jane, now=clock())
    search = WarmSearch(gallery, SPACE, 512, clock)
    clock.advance(minutes=5)
    search.search(HERE, [probe(jane)], 1)
    assert loads == ["templates", "receipts"]
    search.search(HERE, [probe(jane)], 1)
    assert loads == ["templates", "receipts", "receipts"]
    enrol(gallery, person("joe", seed=5), now=clock())
    for _ in range(3):
        search.search(HERE, [probe(jane)], 1)
        clock.advance(seconds=5)
    assert loads[3:] == ["receipts", "templates_of", "receipts", "receipts"]


def test_galleries_searched_long_ago_make_room(gallery: SqliteGallery, clock: FakeClock, loads: list[str]) -> None:
    others = [GalleryId("tenant", f"c{n}") for n in range(3)]
    for other in others:
        enrol(gallery, person("jane", 10), other, clock())
    clock.advance(minutes=5)
    search = WarmSearch(gallery, SPACE, 512, clock, max_faces=20)
    for other in (*others, others[1], others[2], others[0]):
        assert search.search(other, [probe(person("jane", 10))], 1).candidates[0][0].uid == "jane"
    assert loads.count("templates") == 4


def test_a_gallery_too_large_for_memory_is_refused_before_memory_is_full(
    gallery: SqliteGallery, clock: FakeClock
) -> None:
    enrol(gallery, person("jane", 10))
    search = WarmSearch(gallery, SPACE, 512, clock, max_faces=9)
    with pytest.raises(ConfigurationError, match="too large"):
        search.search(HERE, [probe(person("jane"))], 1)


def test_after_a_failed_refresh_nothing_half_read_is_kept(
    gallery: SqliteGallery, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane = person("jane")
    search = WarmSearch(gallery, SPACE, 512, clock)
    search.search(HERE, [probe(jane)], 1)
    enrol(gallery, jane, now=clock())
    with monkeypatch.context() as broken:
        broken.setattr(gallery, "templates_of", _fail)
        with pytest.raises(Unavailable):
            search.search(HERE, [probe(jane)], 1)
    assert search.search(HERE, [probe(jane)], 1).candidates[0][0].uid == "jane"


def _fail(*_: Any) -> None:
    raise Unavailable("gone")
