"""Processes that start at once may all be the first to open a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from mien.adapters.sqlite import connect

AT_ONCE, FILES = 8, 40


def test_a_new_file_is_opened_by_all_who_open_it_at_once(tmp_path: Path) -> None:
    together = Barrier(AT_ONCE)

    def open_all(_: int) -> None:
        for number in range(FILES):
            together.wait(30)
            connect(tmp_path / f"{number}.sqlite").close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(open_all, range(AT_ONCE))) == [None] * AT_ONCE
