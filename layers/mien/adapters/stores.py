"""Which adapter stands behind a port is named by an address: `sqlite:FILE`, `dynamodb:TABLE`, `s3vectors:BUCKET`.

Only the adapter that is asked for is imported, and what a port speaks of not at all: a function that stores nothing
pays for no boto3, and one that looks at no face for no numpy.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from mien.ports.face_search import FaceSearch
    from mien.ports.gallery import Gallery
    from mien.ports.key_store import KeyStore


def open_key_store(address: str) -> KeyStore:
    """Open the key store at an address. Raises ConfigurationError when no adapter answers to it."""
    scheme, _, place = address.partition(":")
    if scheme == "sqlite" and place:
        from mien.adapters.sqlite_keys import SqliteKeyStore

        return SqliteKeyStore(Path(place))
    raise ConfigurationError(f"No key store is known as {address!r}; use sqlite:FILE.")


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


def open_search(address: str, gallery: Gallery, space: str, dimensions: int) -> FaceSearch:
    """What searches the galleries for embeddings of a space and length: `memory`, or what is at an address.

    Raises:
        ConfigurationError: no adapter answers to it.

    """
    scheme, _, place = address.partition(":")
    if address == "memory":
        from mien.adapters.warm_search import WarmSearch

        return WarmSearch(gallery, space, dimensions)
    if scheme == "s3vectors" and place:
        from mien.adapters.aws import client
        from mien.adapters.s3_vectors import S3VectorsSearch

        return S3VectorsSearch(client("s3vectors"), place, gallery, space, dimensions)
    raise ConfigurationError(f"No search is known as {address!r}; use memory or s3vectors:BUCKET.")
