"""Galleries in a SQLite file, for a laptop."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mien.adapters.sqlite import connect, transaction, unavailable
from mien.domain.gallery import Action, Enrolled, GalleryId, Receipt, Subject, SubjectPage, Templates, receipt_time
from mien.ports.clock import Clock, utc_now

_BATCH = 2000

_TABLES = """
    CREATE TABLE IF NOT EXISTS subjects (
        tenant TEXT NOT NULL, collection TEXT NOT NULL, uid TEXT NOT NULL,
        face_ids TEXT NOT NULL, space TEXT NOT NULL, metadata TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        expires_at REAL, revision TEXT NOT NULL, faces INTEGER NOT NULL, templates BLOB NOT NULL,
        PRIMARY KEY (tenant, collection, uid)
    );
    CREATE INDEX IF NOT EXISTS subjects_by_expiry ON subjects (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE IF NOT EXISTS receipts (
        tenant TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL,
        action TEXT NOT NULL, uid TEXT NOT NULL, faces INTEGER NOT NULL, by TEXT NOT NULL,
        PRIMARY KEY (tenant, collection, id)
    ) WITHOUT ROWID;
"""
_SUBJECT = "uid, face_ids, space, metadata, created_at, updated_at, expires_at, revision"
_HERE = "tenant = ? AND collection = ? AND (expires_at IS NULL OR expires_at > ?)"


class SqliteGallery:
    """A Gallery on one SQLite file, which several processes may open at once."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._clock = clock
        with unavailable("The gallery"):
            self._connection = connect(path)
            self._connection.executescript(_TABLES)

    def find(self, gallery: GalleryId, uid: str) -> Subject | None:
        rows = self._rows(f"SELECT {_SUBJECT} FROM subjects WHERE {_HERE} AND uid = ?", gallery, uid)
        return next((_subject(row) for row in rows), None)

    def swap(
        self,
        gallery: GalleryId,
        receipt: Receipt,
        held: Subject | None,
        new: Enrolled | None,
    ) -> bool:
        with transaction(self._connection, "The gallery"):
            self._connection.execute("DELETE FROM subjects WHERE expires_at <= ?", (self._now(),))
            if self._written(gallery, receipt):
                return True
            now = self.find(gallery, receipt.uid)
            if (now and now.revision) != (held and held.revision):
                return False
            where = (gallery.tenant, gallery.collection, receipt.uid)
            if new is None:
                self._connection.execute("DELETE FROM subjects WHERE tenant = ? AND collection = ? AND uid = ?", where)
            else:
                row = (*where, *_subject_row(new.subject), len(new.subject.face_ids), new.templates.packed)
                self._insert("subjects", row)
            row = (*where[:2], receipt.id, receipt.action.value, receipt.uid, receipt.faces, receipt.by)
            self._insert("receipts", row)
        return True

    def page(self, gallery: GalleryId, limit: int, after: str | None = None) -> SubjectPage:
        query = f"SELECT {_SUBJECT} FROM subjects WHERE {_HERE} AND uid > ? ORDER BY uid LIMIT ?"
        subjects = [_subject(row) for row in self._rows(query, gallery, after or "", limit + 1)]
        more = len(subjects) > limit
        return SubjectPage(subjects[:limit], subjects[limit - 1].uid if more else None)

    def count_faces(self, gallery: GalleryId) -> dict[str, int]:
        query = f"SELECT space, sum(faces) FROM subjects WHERE {_HERE} GROUP BY space"
        return dict(self._rows(query, gallery).fetchall())

    def templates(self, gallery: GalleryId) -> Iterator[Sequence[Templates]]:
        rows = self._rows(f"SELECT uid, space, templates, expires_at FROM subjects WHERE {_HERE}", gallery)
        with unavailable("The gallery"):
            while batch := rows.fetchmany(_BATCH):
                yield [_templates(row) for row in batch]

    def templates_of(self, gallery: GalleryId, uids: Collection[str]) -> list[Templates]:
        query = f"SELECT uid, space, templates, expires_at FROM subjects WHERE {_HERE} AND uid = ?"
        return [_templates(row) for uid in set(uids) for row in self._rows(query, gallery, uid)]

    def receipts(self, gallery: GalleryId, since: datetime) -> list[Receipt]:
        query = "SELECT id, action, uid, faces, by FROM receipts WHERE tenant = ? AND collection = ? AND id >= ?"
        with unavailable("The gallery"):
            rows = self._connection.execute(query, (gallery.tenant, gallery.collection, receipt_time(since)))
        return [Receipt(id_, Action(action), uid, faces, by) for id_, action, uid, faces, by in rows]

    def close(self) -> None:
        self._connection.close()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _written(self, gallery: GalleryId, receipt: Receipt) -> bool:
        query = "SELECT 1 FROM receipts WHERE tenant = ? AND collection = ? AND id = ?"
        where = (gallery.tenant, gallery.collection, receipt.id)
        return self._connection.execute(query, where).fetchone() is not None

    def _rows(self, query: str, gallery: GalleryId, *values: Any) -> sqlite3.Cursor:
        with unavailable("The gallery"):
            return self._connection.execute(query, (gallery.tenant, gallery.collection, self._now(), *values))

    def _insert(self, table: str, row: tuple[Any, ...]) -> None:
        places = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)


def _subject_row(subject: Subject) -> tuple[Any, ...]:
    expires = subject.expires_at
    return (
        " ".join(subject.face_ids),
        subject.space,
        subject.metadata,
        subject.created_at.isoformat(),
        subject.updated_at.isoformat(),
        expires and expires.timestamp(),
        subject.revision,
    )


def _subject(row: tuple[Any, ...]) -> Subject:
    uid, face_ids, space, metadata, created_at, updated_at, expires_at, revision = row
    created, updated = datetime.fromisoformat(created_at), datetime.fromisoformat(updated_at)
    ids = tuple(face_ids.split())
    return Subject(uid, ids, space, metadata, created, updated, _time(expires_at), revision)


def _templates(row: tuple[Any, ...]) -> Templates:
    uid, space, packed, expires_at = row
    return Templates(uid, space, packed, _time(expires_at))


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
