"""Which adapter stands behind a port is named by an address: `sqlite:FILE`."""

from __future__ import annotations

from pathlib import Path

from mien.domain.errors import ConfigurationError
from mien.ports.key_store import KeyStore


def open_key_store(address: str) -> KeyStore:
    """Open the key store at an address.

    Raises:
        ConfigurationError: no adapter answers to the address.

    """
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        from mien.adapters.sqlite_keys import SqliteKeyStore

        return SqliteKeyStore(Path(place))
    raise ConfigurationError(f"No key store is known as {address!r}; use sqlite:FILE.")
