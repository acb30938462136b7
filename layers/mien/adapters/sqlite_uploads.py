"""The upload log in a SQLite file, for a laptop."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mien.adapters.sqlite import connect, transaction, unavailable
from mien.adapters.upload_rows import rules_of, rules_row, upload_of, upload_row
from mien.domain.uploads import PhotoVersion, Upload, UploadRules, UploadStatus
from mien.ports.clock import Clock, utc_now
from mien.ports.upload_log import UploadPage

_TABLES = """
    CREATE TABLE IF NOT EXISTS uploads (
        tenant TEXT NOT NULL, id TEXT NOT NULL, upload TEXT NOT NULL, announced INTEGER NOT NULL DEFAULT 0,
        finished REAL, expires_at REAL, PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS uploads_by_time ON uploads (tenant, finished, id) WHERE finished IS NOT NULL;
    CREATE TABLE IF NOT EXISTS upload_rules (tenant TEXT PRIMARY KEY, rules TEXT NOT NULL) WITHOUT ROWID;
"""
_WHAT = "The upload log"


class SqliteUploadLog:
    """An UploadLog on one SQLite file, which several processes may open at once."""

    def __init__(self, path: Path, retention: timedelta | None = None, clock: Clock = utc_now) -> None:
        """`retention` is how long an upload is remembered."""
        self._retention, self._clock = retention, clock
        with unavailable(_WHAT):
            self._connection = connect(path)
            self._connection.executescript(_TABLES)

    def add(self, upload: Upload) -> None:
        with transaction(self._connection, _WHAT):
            self._connection.execute("DELETE FROM uploads WHERE expires_at <= ?", (self._now(),))
            self._write(upload)

    def find(self, tenant: str, id: str) -> Upload | None:
        query = "SELECT upload, announced FROM uploads WHERE tenant = ? AND id = ? AND coalesce(expires_at > ?, 1)"
        with unavailable(_WHAT):
            row = self._connection.execute(query, (tenant, id, self._now())).fetchone()
        return upload_of(tenant, id, json.loads(row[0]), bool(row[1])) if row else None

    def claim(self, tenant: str, id: str, photo: PhotoVersion) -> Upload | None:
        with transaction(self._connection, _WHAT):
            upload = self.find(tenant, id)
            if upload is None or upload.photo not in (None, photo):
                return None
            if upload.photo is None:
                upload = replace(upload, photo=photo)
                self._write(upload)
        return upload

    def finish(self, upload: Upload) -> Upload:
        with transaction(self._connection, _WHAT):
            stands = self.find(upload.tenant, upload.id)
            if stands is not None and stands.status is not UploadStatus.PENDING:
                return stands
            self._write(upload)
        return upload

    def set_announced(self, tenant: str, id: str) -> None:
        with transaction(self._connection, _WHAT):
            self._connection.execute("UPDATE uploads SET announced = 1 WHERE tenant = ? AND id = ?", (tenant, id))

    def finished(
        self, tenant: str, since: datetime, until: datetime, limit: int, after: str | None = None
    ) -> UploadPage:
        query = """
            SELECT id, upload, announced, finished FROM uploads
            WHERE tenant = ? AND finished >= ? AND finished < ? AND (finished, id) > (?, ?)
            AND coalesce(expires_at > ?, 1) ORDER BY finished, id LIMIT ?
        """
        start = json.loads(after) if after else [0, ""]
        values = (tenant, since.timestamp(), until.timestamp(), *start, self._now(), limit + 1)
        with unavailable(_WHAT):
            rows = self._connection.execute(query, values).fetchall()
        found = [upload_of(tenant, id, json.loads(row), bool(announced)) for id, row, announced, _ in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return UploadPage(found, json.dumps([last[3], last[0]]) if last else None)

    def rules(self, tenant: str) -> UploadRules:
        with unavailable(_WHAT):
            query = "SELECT rules FROM upload_rules WHERE tenant = ?"
            row = self._connection.execute(query, (tenant,)).fetchone()
        return rules_of(json.loads(row[0])) if row else UploadRules()

    def set_rules(self, tenant: str, rules: UploadRules) -> None:
        with transaction(self._connection, _WHAT):
            row = (tenant, json.dumps(rules_row(rules)))
            self._connection.execute("INSERT OR REPLACE INTO upload_rules VALUES (?, ?)", row)

    def close(self) -> None:
        self._connection.close()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _write(self, upload: Upload) -> None:
        done = upload.completed_at
        expires = self._retention and ((done or upload.created_at) + self._retention).timestamp()
        row: tuple[Any, ...] = (upload.tenant, upload.id, json.dumps(upload_row(upload)), done and done.timestamp())
        query = "INSERT OR REPLACE INTO uploads (tenant, id, upload, finished, expires_at) VALUES (?, ?, ?, ?, ?)"
        self._connection.execute(query, (*row, expires))
