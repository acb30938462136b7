"""What lands in a folder is taken once, whenever it landed; with a function that is told what to answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_seen import SqliteSeenFiles
from mien.domain.errors import ConfigurationError, FunctionFailed
from mien.local import watcher as watching
from mien.local.photo_taker import PhotoTaker
from mien.local.watcher import RETRY_SECONDS, Watcher, photos_landed


class Function:
    """Answers every photo, or raises what it is told to of a photo."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.errors: dict[str, Exception] = {}
        self.stopped = False

    async def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        (item,) = event["Items"]
        self.taken.append((event["BatchInput"]["tenant"], item["key"]))
        if item["key"] in self.errors:
            raise self.errors[item["key"]]
        return {"uploads": [{"key": item["key"], "id": "0f", "status": "done", "code": None, "face_count": 1}]}

    async def stop(self) -> None:
        self.stopped = True

    @property
    def keys(self) -> list[str]:
        return [key for _, key in self.taken]


class Laptop:
    """A folder, and what watches it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.function, self.now = folder, Function(), 0.0
        self.start()

    def start(self) -> None:
        self.seen = SqliteSeenFiles(self.folder / "mien.sqlite")
        taker = PhotoTaker(self.function, self.seen)  # type: ignore[arg-type]
        self.watcher = Watcher(FolderPhotoStore(self.folder), taker, 2, clock=lambda: self.now)

    def stop(self) -> None:
        self.seen.close()

    def land(self, path: str, data: bytes = b"photo") -> None:
        file = self.folder / "uploads" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def look(self, times: int = 2) -> list[str]:
        """Look so often, and take what is to be taken; the keys that were."""
        before = len(self.function.taken)

        async def look() -> None:
            for _ in range(times):
                for photo in await self.watcher.look():
                    await self.watcher.take(photo)

        asyncio.run(look())
        return self.function.keys[before:]


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path)
    yield laptop
    laptop.stop()


def test_photos_belong_to_the_tenant_whose_folder_they_are_in_or_to_nobody(laptop: Laptop) -> None:
    laptop.land("acme/door/a.jpg")
    laptop.land("b.jpg")
    laptop.look()
    assert sorted(laptop.function.taken) == [("acme", "uploads/acme/door/a.jpg"), ("demo", "uploads/b.jpg")]


def test_a_photo_that_is_still_written_is_left_until_it_stands_still(laptop: Laptop) -> None:
    laptop.land("a.jpg", b"pho")
    assert laptop.look(1) == []
    laptop.land("a.jpg", b"photo")
    assert laptop.look(1) == []
    assert laptop.look(1) == ["uploads/a.jpg"]


def test_hidden_and_unfinished_files_are_passed_over(laptop: Laptop) -> None:
    for name in (".hidden", ".mien-x1", "a.jpg.part", "a.JPG.crdownload", "a~", ".git/a.jpg"):
        laptop.land(name)
    laptop.land("no-suffix")
    assert laptop.look() == ["uploads/no-suffix"]


def test_a_name_that_is_no_text_is_passed_over(laptop: Laptop) -> None:
    laptop.land("ü.jpg")
    (laptop.folder / "uploads" / os.fsdecode(b"\xff.jpg")).write_bytes(b"photo")
    assert laptop.look() == ["uploads/ü.jpg"]


def test_links_are_followed_and_a_circle_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "camera").mkdir()
    (tmp_path / "camera" / "a.jpg").write_bytes(b"photo")
    (tmp_path / "camera" / "round").symlink_to(tmp_path / "camera")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "acme").symlink_to(tmp_path / "camera")
    (tmp_path / "uploads" / "nowhere").symlink_to(tmp_path / "none")
    assert [photo.key for photo in photos_landed(tmp_path / "uploads")] == ["uploads/acme/a.jpg"]


def test_what_was_taken_is_taken_again_only_when_it_changes(laptop: Laptop) -> None:
    laptop.land("a.jpg")
    assert laptop.look() == ["uploads/a.jpg"]
    assert laptop.look() == []
    laptop.land("a.jpg", b"other")
    assert laptop.look() == ["uploads/a.jpg"]


def test_a_new_start_reads_nothing_again_that_was_taken_before(laptop: Laptop) -> None:
    laptop.land("a.jpg")
    laptop.land("b.jpg")
    laptop.function.errors["uploads/b.jpg"] = FunctionFailed()
    laptop.look()
    laptop.function.errors.clear()
    laptop.stop()
    laptop.start()
    assert laptop.look() == ["uploads/b.jpg"]


def test_what_is_gone_is_forgotten(laptop: Laptop) -> None:
    laptop.land("a.jpg")
    laptop.look()
    (laptop.folder / "uploads" / "a.jpg").unlink()
    laptop.look()
    assert laptop.seen.all() == {}


def test_a_photo_that_ends_the_process_is_tried_again_ever_later_and_given_up(
    laptop: Laptop, caplog: pytest.LogCaptureFixture
) -> None:
    laptop.land("poison.jpg")
    laptop.land("good.jpg")
    laptop.function.errors["uploads/poison.jpg"] = FunctionFailed()
    assert sorted(laptop.look()) == ["uploads/good.jpg", "uploads/poison.jpg"]
    for wait in RETRY_SECONDS:
        laptop.now += wait - 0.5
        assert laptop.look() == []
        laptop.now += 0.5
        assert laptop.look() == ["uploads/poison.jpg"]
    laptop.now += 1e9
    assert laptop.look() == []
    assert "given up" in caplog.text
    laptop.land("poison.jpg", b"mended")
    laptop.function.errors.clear()
    assert laptop.look() == ["uploads/poison.jpg"]


def test_a_function_that_does_not_start_is_no_photos_fault(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSE_SECONDS", 0)
    laptop.land("a.jpg")
    laptop.function.errors["uploads/a.jpg"] = ConfigurationError("There are no models.")
    assert laptop.look(9) == ["uploads/a.jpg"] * 8
    laptop.function.errors.clear()
    assert laptop.look(1) == ["uploads/a.jpg"]


def test_it_watches_and_tidies_until_it_is_stopped(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.001)
    old = laptop.folder / "results" / "old.json"
    old.parent.mkdir()
    old.write_bytes(b"{}")
    os.utime(old, times=(0, 0))

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0)

    async def watch() -> None:
        photos, taker = FolderPhotoStore(laptop.folder), PhotoTaker(laptop.function, laptop.seen)  # type: ignore[arg-type]
        watcher = Watcher(photos, taker, 2, timedelta(days=1))
        watcher.start()
        laptop.land("a.jpg")
        await until(lambda: bool(laptop.function.taken) and not old.exists())
        await watcher.stop()

    asyncio.run(watch())
    assert laptop.function.keys == ["uploads/a.jpg"]
    assert laptop.function.stopped
