"""All photos of a folder, answered by the function that receives photos which landed, on all cores.

Beside the results lies a folder of the batch's own state: the upload log that knows what is done, and links by which
the folders of photos and results are a store like any other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien import settings
from mien.adapters.files import write_once
from mien.adapters.sqlite_seen import FileStamp, SeenFile, SqliteSeenFiles
from mien.domain.errors import ConfigurationError, InternalError, InvalidParameter, ServiceError
from mien.domain.keys import DEMO_TENANT
from mien.domain.uploads import RESULTS, UPLOADS, Task, upload_key
from mien.local.functions import QUIET, LocalFunction, handler_path
from mien.local.photo_taker import FUNCTION, PhotoFile, PhotoTaker

STATE = ".mien"
TRIES = 3
"""Of a photo that could not be answered for reasons of ours, which may be another photo's."""

Told = Callable[[PhotoFile, Mapping[str, Any] | ServiceError], None]


@dataclass(frozen=True, slots=True)
class FolderBatch:
    """Photos beneath one folder, their results beneath another. One folder of results is of one task."""

    photos: Path
    results: Path
    task: Task
    seen: SqliteSeenFiles

    @classmethod
    def open(cls, photos: Path, results: Path, task: Task) -> FolderBatch:
        """Make what is not there yet; go on where there is something.

        Raises:
            InvalidParameter: the results there are are another task's.
            Unavailable: the state cannot be read or written.

        """
        state = results / STATE
        asked = json.dumps(task.texts()).encode()
        if write_once(state / "task.json", asked) != asked:
            raise InvalidParameter(f"The results in {results} are of another task. Name another folder: --results DIR")
        _link(state / UPLOADS / DEMO_TENANT, photos)
        _link(state / RESULTS / DEMO_TENANT, results)
        return cls(photos, results, task, SqliteSeenFiles(_database(results)))

    def photo(self, file: Path) -> PhotoFile:
        """A photo of the folder. Raises OSError when it is gone."""
        key = upload_key(DEMO_TENANT, file.relative_to(self.photos).as_posix())
        return PhotoFile(DEMO_TENANT, key, FileStamp.of(file.stat()))

    def done(self, found: Iterable[PhotoFile]) -> dict[str, Mapping[str, Any]]:
        """What became of those that were answered before and have not changed since, by key."""
        seen = self.seen.all()
        stamps = {photo.key: photo.stamp for photo in found}
        return {key: file.outcome for key, file in seen.items() if stamps.get(key) == file.stamp}

    async def run(self, photos: Iterable[PhotoFile], functions: Path, jobs: int, told: Told) -> None:
        """Answer photos, so many at once, and tell of each. Raises ConfigurationError."""
        function = LocalFunction(handler_path(functions, FUNCTION), self._variables(), jobs)
        taker = PhotoTaker(function, self.seen, self.task.texts())
        waiting = iter(photos)

        async def work() -> None:
            for photo in waiting:
                told(photo, await _take(taker, photo))

        workers = [asyncio.create_task(work()) for _ in range(jobs)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await function.stop()

    def close(self) -> None:
        self.seen.close()

    def _variables(self) -> dict[str, str]:
        own = f"sqlite:{_database(self.results)}"
        return QUIET | {
            settings.PHOTOS: f"folder:{self.results / STATE}",
            settings.GALLERY: settings.address_or_local(settings.GALLERY),
            **dict.fromkeys((settings.UPLOAD_LOG, settings.METER, settings.ANNOUNCER), own),
        }


async def _take(taker: PhotoTaker, photo: PhotoFile) -> Mapping[str, Any] | ServiceError:
    failure: ServiceError = InternalError()
    for _ in range(TRIES):
        try:
            seen: SeenFile = await taker.take(photo)
        except ConfigurationError:  # no photo's fault
            raise
        except ServiceError as error:
            failure = error
        else:
            return seen.outcome
    return failure


def _database(results: Path) -> Path:
    return results / STATE / settings.local_database().name


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
