"""Which adapter searches galleries is named by an address: `memory`, or `s3vectors:BUCKET`."""

from __future__ import annotations

from mien.domain.errors import ConfigurationError
from mien.ports.face_search import FaceSearch
from mien.ports.gallery import Gallery


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
