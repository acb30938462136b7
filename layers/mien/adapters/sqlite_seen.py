"""Which files were taken, as they were then, in a SQLite file: so that nobody reads them again to know.

Whether a photo was answered is the upload log's to say, which knows photos by their bytes; this only spares reading
the bytes. What is not noted here is read again, and the log sees that it is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.adapters.sqlite import connect, transaction, unavailable

_TABLE = """
    CREATE TABLE IF NOT EXISTS seen_files (
        key TEXT PRIMARY KEY, changed INTEGER NOT NULL, size INTEGER NOT NULL, outcome TEXT NOT NULL
    ) WITHOUT ROWID;
"""
_WHAT = "The list of files"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How one state of a file is told from the next without reading it.

    `changed` is its ctime in nanoseconds, which moves with every write, rename and change of its times.
    """

    changed: int
    size: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileStamp:
        """That of a file which is so."""
        return cls(stat.st_ctime_ns, stat.st_size)


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file that was taken, and what became of it: `id`, `status`, `code`, `face_count`."""

    stamp: FileStamp
    outcome: Mapping[str, Any]


class SqliteSeenFiles:
    """The files that were taken, by their keys."""

    def __init__(self, path: Path) -> None:
        with unavailable(_WHAT):
            self._connection = connect(path)
            self._connection.executescript(_TABLE)

    def all(self) -> dict[str, SeenFile]:
        """Every one. Raises Unavailable."""
        with unavailable(_WHAT):
            rows = self._connection.execute("SELECT key, changed, size, outcome FROM seen_files")
            return {
                key: SeenFile(FileStamp(changed, size), json.loads(outcome)) for key, changed, size, outcome in rows
            }

    def note(self, key: str, seen: SeenFile) -> None:
        """Write down that a file was taken. Raises Unavailable."""
        row = (key, seen.stamp.changed, seen.stamp.size, json.dumps(seen.outcome))
        with transaction(self._connection, _WHAT):
            self._connection.execute("INSERT OR REPLACE INTO seen_files VALUES (?, ?, ?, ?)", row)

    def forget(self, keys: Iterable[str]) -> None:
        """Files that are no longer there. Raises Unavailable."""
        with transaction(self._connection, _WHAT):
            self._connection.executemany("DELETE FROM seen_files WHERE key = ?", [(key,) for key in keys])

    def close(self) -> None:
        self._connection.close()
