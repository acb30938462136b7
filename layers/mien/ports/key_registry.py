"""Who else must know a key: API Gateway, which holds it to its plan's rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mien.domain.keys import ApiKey


class KeyRegistry(Protocol):
    """Keeps keys where calls come in. Every method may raise Unavailable, and may be called again."""

    def put(self, key: ApiKey) -> None:
        """Let the key in, under its plan and no other."""

    def remove(self, key_hash: str) -> None:
        """Let it in no longer; it need not be there."""

    def known(self) -> Iterable[str]:
        """The hashes of all keys that are there."""
