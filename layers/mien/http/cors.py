"""What browsers may send and see. Any origin: the key is in a header of ours, which no page sends unless told to."""

from __future__ import annotations

from mien.http.wire import KEY_HEADER, UID_HEADER

ALLOWED_HEADERS = ("content-type", KEY_HEADER, UID_HEADER)
CORS_HEADERS = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}
"""On every answer, errors among them."""
