"""Watches a folder for photos that land, as S3 would notify of them, and has each answered.

A photo is taken when it has stood still between two looks. What was taken is noted with how the file was then, so that
neither the next look nor the next start reads it again; the upload log, which knows photos by their bytes, is what
makes sure that none is answered twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_seen import FileStamp
from mien.domain.errors import ConfigurationError, ServiceError
from mien.domain.keys import DEMO_TENANT
from mien.domain.uploads import UPLOADS, can_be_key
from mien.local.photo_taker import PhotoFile, PhotoTaker
from mien.ports.clock import utc_now

log = logging.getLogger("uploads")

LOOK_SECONDS = 1.0
LOOKING_SHARE = 0.05
"""Of the time, at most so much is spent looking: a folder of very many photos is looked at less often."""

RETRY_SECONDS = (1, 5, 25, 125)
"""After a photo could not be answered for reasons of ours; then it is given up until it changes or the next start."""

PAUSE_SECONDS = 30
"""Where the function does not start."""

TIDY_SECONDS = 3600
LEFTOVERS_AFTER = timedelta(hours=1)

_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", "~")
"""How names end of files that programs are still writing."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """How often a photo was tried in vain, and when it may be tried again."""

    stamp: FileStamp
    attempts: int
    retry_at: float


class Watcher:
    """Runs in the server's event loop until it is stopped; `workers` is how many photos are answered at once."""

    def __init__(
        self,
        photos: FolderPhotoStore,
        taker: PhotoTaker,
        workers: int,
        retention: timedelta | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`retention` is how long answers are kept."""
        self._photos, self._taker, self._workers, self._retention = photos, taker, workers, retention
        self._clock = clock
        self._taken = {key: seen.stamp for key, seen in taker.seen.all().items()}
        self._last: dict[str, PhotoFile] = {}
        self._failures: dict[str, _Failure] = {}
        self._under_way: set[str] = set()
        self._queue: asyncio.Queue[PhotoFile] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch; no process is started before there is a photo."""
        self._photos.uploads.mkdir(parents=True, exist_ok=True)
        jobs = [
            self._tidy_again_and_again(),
            self._look_again_and_again(),
            *(self._work() for _ in range(self._workers)),
        ]
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """Take no more photos, and end the processes. What was under way is done again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._taker.function.stop()

    async def _look_again_and_again(self) -> None:
        while True:
            start = self._clock()
            try:
                for photo in await self.look():
                    self._queue.put_nowait(photo)
            except Exception:
                log.exception("The uploads could not be looked at.")
            await asyncio.sleep(max(LOOK_SECONDS, (self._clock() - start) / LOOKING_SHARE))

    async def _tidy_again_and_again(self) -> None:
        """Remove answers that are older than their retention, and what killed processes left."""
        while True:
            now = utc_now()
            answers_before = now - self._retention if self._retention is not None else None
            try:
                await asyncio.to_thread(self._photos.tidy, answers_before, now - LEFTOVERS_AFTER)
            except ServiceError as error:
                log.warning("%s", error)
            await asyncio.sleep(TIDY_SECONDS)

    async def look(self) -> list[PhotoFile]:
        """Look once: the photos that are to be taken now."""
        found = await asyncio.to_thread(lambda: {photo.key: photo for photo in photos_landed(self._photos.uploads)})
        gone = self._taken.keys() - found.keys()
        if gone:
            self._taken = {key: stamp for key, stamp in self._taken.items() if key in found}
            await self._taker.forget(gone)
        self._failures = {key: failure for key, failure in self._failures.items() if key in found}
        due = [photo for key, photo in found.items() if self._last.get(key) == photo and self._is_due(photo)]
        self._last = found
        self._under_way.update(photo.key for photo in due)
        return due

    def _is_due(self, photo: PhotoFile) -> bool:
        if photo.key in self._under_way or self._taken.get(photo.key) == photo.stamp:
            return False
        failure = self._failures.get(photo.key)
        return failure is None or failure.stamp != photo.stamp or failure.retry_at <= self._clock()

    async def _work(self) -> None:
        while True:
            await self.take(await self._queue.get())

    async def take(self, photo: PhotoFile) -> None:
        """Try once to have a photo answered."""
        try:
            await self._take(photo)
        except Exception as error:
            log.warning("The upload %s failed: %r", photo.key, error)
            self._note_failure(photo)
        finally:
            self._under_way.discard(photo.key)

    async def _take(self, photo: PhotoFile) -> None:
        try:
            seen = await self._taker.take(photo)
        except ConfigurationError as error:  # no photo's fault
            log.error("%s", error)
            await asyncio.sleep(PAUSE_SECONDS)
            return
        self._failures.pop(photo.key, None)
        self._taken[photo.key] = photo.stamp
        log.info("%s %s", photo.key, seen.outcome.get("code") or seen.outcome["status"])

    def _note_failure(self, photo: PhotoFile) -> None:
        before = self._failures.get(photo.key)
        attempts = before.attempts + 1 if before is not None and before.stamp == photo.stamp else 1
        wait = RETRY_SECONDS[attempts - 1] if attempts <= len(RETRY_SECONDS) else float("inf")
        if wait == float("inf"):
            log.error("The upload %s was tried %d times and is given up until the next start.", photo.key, attempts)
        self._failures[photo.key] = _Failure(photo.stamp, attempts, self._clock() + wait)


def photos_landed(folder: Path) -> Iterator[PhotoFile]:
    """The files beneath a folder that are neither hidden nor unfinished, whatever they are; those that are nobody's are
    the demo tenant's.
    """
    for place, stat in _files(folder, "", set()):
        tenant, slash, _ = place.partition("/")
        owner = tenant if slash else DEMO_TENANT
        yield PhotoFile(owner, f"{UPLOADS}{place}", FileStamp.of(stat))


def _files(folder: Path, prefix: str, walked: set[tuple[int, int]]) -> Iterator[tuple[str, os.stat_result]]:
    """Paths beneath a folder, links followed, each folder once."""
    try:
        stat = folder.stat()
        if (stat.st_dev, stat.st_ino) in walked:
            return
        walked.add((stat.st_dev, stat.st_ino))
        entries = list(os.scandir(folder))
    except OSError:  # it is gone, or not for us to read
        return
    for entry in entries:
        if not _is_wanted(entry.name):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/", walked)
            continue
        try:
            stat = entry.stat()
        except OSError:
            continue
        if entry.is_file():
            yield f"{prefix}{entry.name}", stat


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED) and can_be_key(name)
