"""Which adapter stands behind a port is named by an address: `sqlite:FILE` or `dynamodb:TABLE`.

Only the adapter that is asked for is imported: a function that stores nothing pays for no boto3.
"""

from __future__ import annotations

from pathlib import Path

from mien.domain.errors import ConfigurationError
from mien.ports.gallery import Gallery
from mien.ports.key_store import KeyStore
from mien.ports.meter import Meter


def open_key_store(address: str) -> KeyStore:
    """Open the key store at an address. Raises ConfigurationError when no adapter answers to it."""
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        from mien.adapters.sqlite_keys import SqliteKeyStore

        return SqliteKeyStore(Path(place))
    if scheme == "dynamodb" and place:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_keys import DynamoDbKeyStore

        return DynamoDbKeyStore(client("dynamodb"), place)
    raise ConfigurationError(f"No key store is known as {address!r}; use sqlite:FILE or dynamodb:TABLE.")


def open_meter(address: str) -> Meter:
    """Open the meter at an address. Raises ConfigurationError when no adapter answers to it."""
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        from mien.adapters.sqlite_meter import SqliteMeter

        return SqliteMeter(Path(place))
    if scheme == "dynamodb" and place:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_meter import DynamoDbMeter

        return DynamoDbMeter(client("dynamodb", attempts=1), place)
    raise ConfigurationError(f"No meter is known as {address!r}; use sqlite:FILE or dynamodb:TABLE.")


def open_gallery(address: str) -> Gallery:
    """Open the galleries at an address. Raises ConfigurationError when no adapter answers to it."""
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        from mien.adapters.sqlite_gallery import SqliteGallery

        return SqliteGallery(Path(place))
    if scheme == "dynamodb" and place:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_gallery import DynamoDbGallery

        return DynamoDbGallery(client("dynamodb"), place)
    raise ConfigurationError(f"No galleries are known as {address!r}; use sqlite:FILE or dynamodb:TABLE.")
