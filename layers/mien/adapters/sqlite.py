"""How Mien opens its SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from mien.domain.errors import Unavailable

_BUSY_SECONDS = 20
_RETRY_SECONDS = 0.01


def connect(path: Path, hurried: bool = False) -> sqlite3.Connection:
    """Open a file that several processes may open at once, and that only its owner may read; made if need be. When
    `hurried`, no transaction waits for the disk: a power cut may undo the last ones, and breaks none.

    Raises:
        sqlite3.DatabaseError: it is no database, or cannot be opened.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _share(connection)
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        if hurried:
            connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _share(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log. Where another process is giving a new file its own, SQLite refuses without waiting."""
    deadline = monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
        sleep(_RETRY_SECONDS)


@contextmanager
def unavailable(what: str) -> Iterator[None]:
    """Turn what SQLite refuses into Unavailable."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"{what} cannot be read or written.") from error


@contextmanager
def transaction(connection: sqlite3.Connection, what: str) -> Iterator[None]:
    """All or nothing. Raises Unavailable."""
    with unavailable(what):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
