"""What browsers may send and see. Any origin: the key is in a header of ours, which no page sends unless told to."""

from __future__ import annotations

from collections.abc import Iterable

from mien.http.wire import KEY_HEADER, UID_HEADER

ALLOWED_HEADERS = ("content-type", KEY_HEADER, UID_HEADER)
CORS_HEADERS = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}
"""On every answer, errors among them."""


def preflight_headers(methods: Iterable[str]) -> dict[str, str]:
    """What a page of another origin may do at a path with these methods."""
    return {
        "access-control-allow-methods": ",".join(methods),
        "access-control-allow-headers": ",".join(ALLOWED_HEADERS),
    }
