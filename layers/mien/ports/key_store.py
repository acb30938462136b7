"""Where API keys are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mien.domain.keys import ApiKey


class KeyStore(Protocol):
    """API keys by the hash of their secret. Every method may raise Unavailable."""

    def find(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, whatever its status."""

    def put(self, key: ApiKey) -> None:
        """Store a key; one with the same hash is replaced."""

    def all(self) -> Iterator[ApiKey]:
        """Every key; in no order."""

    def close(self) -> None:
        """Let go of files and connections."""
