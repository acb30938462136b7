from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.adapters.sqlite_uploads import SqliteUploadLog
from tests.contracts.gallery import FakeClock
from tests.contracts.upload_log import NOW, RETENTION, UploadLogContract


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.now = NOW
    return clock


class TestSqliteUploadLog(UploadLogContract):
    @pytest.fixture
    def open_again(self, tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], SqliteUploadLog]]:
        opened: list[SqliteUploadLog] = []

        def open_one() -> SqliteUploadLog:
            opened.append(SqliteUploadLog(tmp_path / "mien.sqlite", RETENTION, clock))
            return opened[-1]

        yield open_one
        for log in opened:
            log.close()

    @pytest.fixture
    def log(self, open_again: Callable[[], SqliteUploadLog]) -> SqliteUploadLog:
        return open_again()
