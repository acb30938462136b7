from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.adapters.sqlite_gallery import SqliteGallery
from mien.domain.errors import Unavailable
from tests.contracts.gallery import HERE, FakeClock, GalleryContract, delete, enrol, person


class TestSqliteGallery(GalleryContract):
    @pytest.fixture
    def open_again(self, tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], SqliteGallery]]:
        opened: list[SqliteGallery] = []

        def open_gallery() -> SqliteGallery:
            opened.append(SqliteGallery(tmp_path / "state" / "mien.sqlite", clock))
            return opened[-1]

        yield open_gallery
        for gallery in opened:
            gallery.close()

    @pytest.fixture
    def gallery(self, open_again: Callable[[], SqliteGallery]) -> SqliteGallery:
        return open_again()

    def test_a_crash_within_a_change_leaves_all_as_it_was(
        self, gallery: SqliteGallery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = person("jane")
        enrol(gallery, before)
        insert = gallery._insert

        def insert_or_crash(table: str, row: tuple[object, ...]) -> None:
            if table == "receipts":
                raise RuntimeError
            insert(table, row)

        monkeypatch.setattr(gallery, "_insert", insert_or_crash)
        with pytest.raises(RuntimeError):
            delete(gallery, before.subject)
        assert gallery.find(HERE, "jane") == before.subject

    def test_only_its_owner_can_read_the_file(self, gallery: SqliteGallery, tmp_path: Path) -> None:
        enrol(gallery, person("jane"))
        modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}
        assert modes == {0o600}

    def test_deleted_templates_are_overwritten_in_the_file(self, gallery: SqliteGallery, tmp_path: Path) -> None:
        new = person("jane", 5)
        subject = enrol(gallery, new)
        needle = new.templates.packed[600:664]
        assert delete(gallery, subject)
        gallery._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not any(needle in file.read_bytes() for file in (tmp_path / "state").iterdir())


def test_a_file_that_is_no_database_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mien.sqlite").write_bytes(b"not a database, not by far" * 100)
    with pytest.raises(Unavailable):
        SqliteGallery(tmp_path / "mien.sqlite")
