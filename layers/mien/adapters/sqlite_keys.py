"""API keys in a SQLite file, for a laptop."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mien.adapters.sqlite import connect
from mien.domain.keys import ApiKey, KeyStatus

_TABLE = """
    CREATE TABLE IF NOT EXISTS keys (
        key_hash TEXT PRIMARY KEY,
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        plan TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) WITHOUT ROWID
"""


class SqliteKeyStore:
    """A KeyStore on one SQLite file, which several processes may open at once."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute(_TABLE)

    def find(self, key_hash: str) -> ApiKey | None:
        query = "SELECT key_hash, tenant, name, plan, status, created_at FROM keys WHERE key_hash = ?"
        row = self._connection.execute(query, (key_hash,)).fetchone()
        if row is None:
            return None
        key_hash, tenant, name, plan, status, created_at = row
        return ApiKey(key_hash, tenant, name, plan, KeyStatus(status), datetime.fromisoformat(created_at))

    def add(self, key: ApiKey) -> None:
        row = (key.key_hash, key.tenant, key.name, key.plan, key.status.value, key.created_at.isoformat())
        self._connection.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        self._connection.close()
