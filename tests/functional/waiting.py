"""Waiting for what another process does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 60

Said = TypeVar("Said")


def until(condition: Callable[[], Said]) -> Said:
    """What a condition says when it first says something."""

    async def wait() -> Said:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (said := condition()):
                await asyncio.sleep(0.05)
            return said

    return asyncio.run(wait())
