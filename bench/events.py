"""API Gateway proxy events to measure with."""

from __future__ import annotations

from typing import Any

from mien.domain.keys import KeyStatus
from mien.domain.plans import PLANS
from mien.http.caller import Caller
from mien.http.routes import Route
from mien.local.events import HttpRequest, proxy_event

CALLER = Caller("bench", "bench", PLANS["unlimited"], KeyStatus.ACTIVE, frozenset()).context()


def photo_event(route: Route, photo: bytes, field: str = "face_image") -> dict[str, Any]:
    """A form with a photo in a field."""
    boundary = "bench"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="p.jpg"\r\n\r\n'.encode()
    body = head + photo + f"\r\n--{boundary}--\r\n".encode()
    headers = (("content-type", f"multipart/form-data; boundary={boundary}"),)
    request = HttpRequest("bench", route.method, route.url_path, "", headers, body, "127.0.0.1")
    return proxy_event(request, route, CALLER)


def plain_event(route: Route) -> dict[str, Any]:
    """A request without a body."""
    return proxy_event(HttpRequest("bench", route.method, route.url_path, "", (), b"", "127.0.0.1"), route, CALLER)
