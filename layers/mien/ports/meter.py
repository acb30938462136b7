"""How many calls a key has made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mien.domain.usage import Usage


class Meter(Protocol):
    """Counts by key and month. Every method may raise Unavailable."""

    def take(self, key_id: str, month: str, endpoint: str, limit: int | None) -> int | None:
        """Count one more call, if fewer than `limit` were; how many are counted now. None when there is no more.

        One write, and exact however many take at once.
        """

    def take_once(self, key_id: str, month: str, endpoint: str, limit: int | None, token: str) -> bool:
        """Count one more call under a token of this key, at most once for ever; whether it is counted, now or before.

        False when there is no more.
        """

    def give_back(self, key_id: str, month: str, endpoint: str) -> None:
        """Take one call off the count again, of a key that has taken it."""

    def usage(self, key_id: str, month: str) -> Usage:
        """What was counted."""

    def all(self, month: str) -> Iterator[Usage]:
        """What was counted of every key; in no order."""

    def close(self) -> None:
        """Let go of files and connections."""
