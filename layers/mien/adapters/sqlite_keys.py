"""API keys in a SQLite file, for a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.adapters.sqlite import connect, unavailable
from mien.domain.keys import ApiKey, KeyStatus
from mien.domain.plans import Feature

_TABLE = """
    CREATE TABLE IF NOT EXISTS keys (
        key_hash TEXT PRIMARY KEY, id TEXT NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, plan TEXT NOT NULL,
        status TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT, without TEXT NOT NULL
    ) WITHOUT ROWID
"""


class SqliteKeyStore:
    """A KeyStore on one SQLite file, which several processes may open at once."""

    def __init__(self, path: Path) -> None:
        with unavailable("The file of keys"):
            self._connection = connect(path)
            self._connection.execute(_TABLE)

    def find(self, key_hash: str) -> ApiKey | None:
        with unavailable("The file of keys"):
            row = self._connection.execute("SELECT * FROM keys WHERE key_hash = ?", (key_hash,)).fetchone()
        return None if row is None else _key(row)

    def put(self, key: ApiKey) -> None:
        expires = key.expires_at and key.expires_at.isoformat()
        without = " ".join(sorted(key.without))
        status, created = key.status.value, key.created_at.isoformat()
        row = (key.key_hash, key.id, key.tenant, key.name, key.plan, status, created, expires, without)
        with unavailable("The file of keys"):
            self._connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def all(self) -> Iterator[ApiKey]:
        with unavailable("The file of keys"):
            rows = self._connection.execute("SELECT * FROM keys").fetchall()
        yield from map(_key, rows)

    def close(self) -> None:
        self._connection.close()


def _key(row: tuple[Any, ...]) -> ApiKey:
    key_hash, id_, tenant, name, plan, status, created_at, expires_at, without = row
    return ApiKey(
        key_hash=key_hash,
        id=id_,
        tenant=tenant,
        name=name,
        plan=plan,
        status=KeyStatus(status),
        created_at=datetime.fromisoformat(created_at),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        without=frozenset(map(Feature, without.split())),
    )
