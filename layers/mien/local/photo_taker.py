"""Takes photos in folders to the function that receives photos which landed, one at a time.

An event is a batch of one: the pipe costs next to nothing, and which photo it was that ended the process is known.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mien.adapters.sqlite_seen import FileStamp, SeenFile, SqliteSeenFiles
from mien.local.functions import LocalFunction

FUNCTION = "uploads"
BUCKET = "local"
"""What the ids of photos in folders are made with, in place of a bucket's name."""


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo on disk, as it was when it was found."""

    tenant: str
    key: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class PhotoTaker:
    """`shared` is what is asked of every photo: `task`, `collection`, `match_policy`, or nothing."""

    function: LocalFunction
    seen: SqliteSeenFiles
    shared: Mapping[str, str] = field(default_factory=dict)
    _noting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, photo: PhotoFile) -> SeenFile:
        """Have a photo answered, and note that it was.

        Raises:
            ServiceError: something of ours failed, and nothing is noted.

        """
        shared = {**self.shared, "tenant": photo.tenant, "bucket": BUCKET}
        event = {"BatchInput": shared, "Items": [{"key": photo.key}]}
        (outcome,) = (await self.function.invoke(event, str(uuid.uuid4())))["uploads"]
        seen = SeenFile(photo.stamp, {name: value for name, value in outcome.items() if name != "key"})
        async with self._noting:
            await asyncio.to_thread(self.seen.note, photo.key, seen)
        return seen

    async def forget(self, keys: Collection[str]) -> None:
        """Photos that are no longer there. Raises Unavailable."""
        async with self._noting:
            await asyncio.to_thread(self.seen.forget, keys)
