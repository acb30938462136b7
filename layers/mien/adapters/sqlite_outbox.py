"""What is to be told of finished uploads, in a SQLite file, until somebody has taken it from there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mien.adapters.sqlite import connect, transaction, unavailable
from mien.domain.uploads import Upload
from mien.ports.clock import Clock, utc_now

_TABLE = """
    CREATE TABLE IF NOT EXISTS outbox (
        tenant TEXT NOT NULL, id TEXT NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL, PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
"""
_WHAT = "The outbox"


@dataclass(frozen=True, slots=True)
class Notice:
    """An upload that somebody is to hear of, and how often it was taken, this time included."""

    tenant: str
    id: str
    tries: int

    @property
    def receipt(self) -> str:
        """By which it is put off."""
        return f"{self.tenant}/{self.id}"


class SqliteOutbox:
    """An Announcer, and the RetryQueue that it writes to."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._clock = clock
        with unavailable(_WHAT):
            self._connection = connect(path)
            self._connection.executescript(_TABLE)

    def announce(self, upload: Upload) -> None:
        row = (upload.tenant, upload.id, 0, self._now())
        with transaction(self._connection, _WHAT):
            self._connection.execute("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?)", row)

    def take(self, hidden: timedelta) -> Notice | None:
        """The one that has been due longest, if any is. It comes again after so long, unless it is removed."""
        query = """
            UPDATE outbox SET tries = tries + 1, due = ? WHERE (tenant, id) IN (
                SELECT tenant, id FROM outbox WHERE due <= ? ORDER BY due, id LIMIT 1
            ) RETURNING tenant, id, tries
        """
        now = self._now()
        with transaction(self._connection, _WHAT):
            row = self._connection.execute(query, (now + hidden.total_seconds(), now)).fetchone()
        return Notice(*row) if row else None

    def retry_after(self, receipt: str, wait: timedelta) -> None:
        tenant, _, id = receipt.rpartition("/")
        row = (self._now() + wait.total_seconds(), tenant, id)
        with transaction(self._connection, _WHAT):
            self._connection.execute("UPDATE outbox SET due = ? WHERE tenant = ? AND id = ?", row)

    def remove(self, notice: Notice) -> None:
        """It was told, or is given up."""
        with transaction(self._connection, _WHAT):
            self._connection.execute("DELETE FROM outbox WHERE tenant = ? AND id = ?", (notice.tenant, notice.id))

    def close(self) -> None:
        self._connection.close()

    def _now(self) -> float:
        return self._clock().timestamp()
