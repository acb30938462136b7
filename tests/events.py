"""Proxy events as API Gateway makes them, for handing to real handlers."""

from __future__ import annotations

import json
from typing import Any

from requests import Request

from mien.http.routes import Route
from mien.local.environment import LocalContext
from mien.local.events import HttpRequest, proxy_event

ACTIVE = {"principalId": "someone", "plan": "free", "status": "active"}


def form_event(
    route: Route, image: bytes | None, query: str = "", field: str = "face_image", authorizer: dict[str, str] = ACTIVE
) -> dict[str, Any]:
    """A form with an image in a field, or an empty request without one."""
    files = {field: ("photo.jpg", image)} if image is not None else None
    prepared = Request("POST", "http://localhost", files=files).prepare()
    headers = tuple((name.lower(), value) for name, value in prepared.headers.items())
    body = prepared.body if isinstance(prepared.body, bytes) else b""
    request = HttpRequest("request-1", route.method, route.url_path, query, headers, body, "127.0.0.1")
    return proxy_event(request, route, authorizer)


def call(handler: Any, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of a handler's answer."""
    answer = handler(event, LocalContext("test", "request-1"))
    assert answer["isBase64Encoded"] is False
    assert answer["multiValueHeaders"]["x-request-id"] == ["request-1"]
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    return answer["statusCode"], json.loads(answer["body"])
