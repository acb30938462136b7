"""What is to be told of finished uploads, in a SQLite file, until somebody has taken it from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mien.adapters.sqlite import connect, transaction, unavailable
from mien.domain.uploads import Upload
from mien.ports.clock import Clock, utc_now

_TABLE = """
    CREATE TABLE IF NOT EXISTS outbox (
        tenant TEXT NOT NULL, id TEXT NOT NULL, attempts INTEGER NOT NULL, due REAL NOT NULL, PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
"""
_WHAT = "The outbox"


@dataclass(frozen=True, slots=True)
class Notice:
    """An upload that somebody is to hear of, and how often that was tried."""

    tenant: str
    id: str
    attempts: int


class SqliteOutbox:
    """An Announcer, and the list that it writes to."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._clock = clock
        with unavailable(_WHAT):
            self._connection = connect(path)
            self._connection.executescript(_TABLE)

    def announce(self, upload: Upload) -> None:
        row = (upload.tenant, upload.id, 0, self._clock().timestamp())
        with transaction(self._connection, _WHAT):
            self._connection.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)", row)

    def due(self, limit: int) -> Sequence[Notice]:
        """Those whose time has come, longest due first."""
        query = "SELECT tenant, id, attempts FROM outbox WHERE due <= ? ORDER BY due LIMIT ?"
        with unavailable(_WHAT):
            rows = self._connection.execute(query, (self._clock().timestamp(), limit)).fetchall()
        return [Notice(*row) for row in rows]

    def postpone(self, notice: Notice, until: datetime) -> None:
        """Count an attempt that failed."""
        query = "UPDATE outbox SET attempts = attempts + 1, due = ? WHERE tenant = ? AND id = ?"
        with transaction(self._connection, _WHAT):
            self._connection.execute(query, (until.astimezone(UTC).timestamp(), notice.tenant, notice.id))

    def remove(self, notice: Notice) -> None:
        """It was told, or is given up."""
        with transaction(self._connection, _WHAT):
            self._connection.execute("DELETE FROM outbox WHERE tenant = ? AND id = ?", (notice.tenant, notice.id))

    def close(self) -> None:
        self._connection.close()
