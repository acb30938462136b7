"""The meter in a SQLite file, for a laptop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mien.adapters.sqlite import connect, transaction, unavailable
from mien.domain.usage import Usage

_TABLES = """
    CREATE TABLE IF NOT EXISTS usage (
        key_id TEXT NOT NULL, month TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (key_id, month)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS usage_by_endpoint (
        key_id TEXT NOT NULL, month TEXT NOT NULL, endpoint TEXT NOT NULL, used INTEGER NOT NULL,
        PRIMARY KEY (key_id, month, endpoint)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS usage_tokens (
        key_id TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (key_id, token)
    ) WITHOUT ROWID;
"""
_COUNT = """
    INSERT INTO usage VALUES (:key, :month, 1) ON CONFLICT DO UPDATE SET used = used + 1
    WHERE :most IS NULL OR used < :most RETURNING used
"""
_COUNT_ENDPOINT = """
    INSERT INTO usage_by_endpoint VALUES (:key, :month, :endpoint, 1) ON CONFLICT DO UPDATE SET used = used + 1
"""
_KEYS = "SELECT key_id, used FROM usage WHERE month = :month AND (:key IS NULL OR key_id = :key)"
_ENDPOINTS = """
    SELECT key_id, endpoint, used FROM usage_by_endpoint
    WHERE month = :month AND (:key IS NULL OR key_id = :key) AND used > 0
"""


class SqliteMeter:
    """A Meter on one SQLite file, which several processes may open at once."""

    def __init__(self, path: Path) -> None:
        with unavailable("The meter"):
            self._connection = connect(path, hurried=True)  # each call is counted before it is answered
            self._connection.executescript(_TABLES)

    def take(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        with transaction(self._connection, "The meter"):
            return self._count(key_id, month, endpoint, limit)

    def take_once(self, key_id: str, month: str, endpoint: str, limit: int | None, token: str) -> bool:
        with transaction(self._connection, "The meter"):
            query = "SELECT 1 FROM usage_tokens WHERE key_id = ? AND token = ?"
            if self._connection.execute(query, (key_id, token)).fetchone():
                return True
            if self._count(key_id, month, endpoint, limit) is None:
                return False
            self._connection.execute("INSERT INTO usage_tokens VALUES (?, ?)", (key_id, token))
        return True

    def _count(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        if limit is not None and limit < 1:
            return None
        values = {"key": key_id, "month": month, "endpoint": endpoint, "most": limit}
        row = self._connection.execute(_COUNT, values).fetchone()
        if row is None:
            return None
        self._connection.execute(_COUNT_ENDPOINT, values)
        return int(row[0])

    def give_back(self, key_id: str, month: str, endpoint: str) -> None:
        where = (key_id, month)
        with transaction(self._connection, "The meter"):
            self._connection.execute("UPDATE usage SET used = used - 1 WHERE key_id = ? AND month = ?", where)
            query = "UPDATE usage_by_endpoint SET used = used - 1 WHERE key_id = ? AND month = ? AND endpoint = ?"
            self._connection.execute(query, (*where, endpoint))

    def usage(self, key_id: str, month: str) -> Usage:
        return next(self._read(month, key_id), Usage(key_id, month))

    def all(self, month: str) -> Iterator[Usage]:
        return self._read(month, None)

    def _read(self, month: str, key_id: str | None) -> Iterator[Usage]:
        wanted = {"month": month, "key": key_id}
        endpoints: dict[str, dict[str, int]] = defaultdict(dict)
        with unavailable("The meter"):
            for key, endpoint, used in self._connection.execute(_ENDPOINTS, wanted):
                endpoints[key][endpoint] = used
            rows = self._connection.execute(_KEYS, wanted).fetchall()
        yield from (Usage(key, month, used, endpoints[key]) for key, used in rows)

    def close(self) -> None:
        self._connection.close()
