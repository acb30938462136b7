"""Where API keys are kept."""

from __future__ import annotations

from typing import Protocol

from mien.domain.keys import ApiKey


class KeyStore(Protocol):
    """API keys by the hash of their secret."""

    def find(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, whatever its status."""

    def add(self, key: ApiKey) -> None:
        """Store a key; one with the same hash is replaced."""
