"""Proxy events as API Gateway makes them, for handing to real handlers."""

from __future__ import annotations

import json
from typing import Any

from requests import Request

from mien.http.routes import Route
from mien.local.environment import LocalContext
from mien.local.events import HttpRequest, proxy_event

ACTIVE = {"tenant": "someone", "key_id": "key-1", "plan": "unlimited", "status": "active", "without": ""}


def form_event(
    route: Route, image: bytes | None, query: str = "", field: str = "face_image", authorizer: dict[str, str] = ACTIVE
) -> dict[str, Any]:
    """A form with an image in a field, or an empty request without one."""
    return files_event(route, {} if image is None else {field: image}, query, authorizer)


def files_event(
    route: Route,
    files: dict[str, bytes],
    query: str = "",
    authorizer: dict[str, str] = ACTIVE,
    headers: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A form with these files and text fields, or an empty request without any."""
    named = {name: ("photo.jpg", data) for name, data in files.items()}
    prepared = Request("POST", "http://localhost", files=named, data=fields, headers=headers).prepare()
    sent = tuple((name.lower(), value) for name, value in prepared.headers.items())
    body = prepared.body if isinstance(prepared.body, bytes) else b""
    request = HttpRequest("request-1", route.method, route.url_path, query, sent, body, "127.0.0.1")
    return proxy_event(request, route, authorizer)


def call(handler: Any, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of a handler's answer."""
    answer = handler(event, LocalContext("test", "request-1"))
    assert answer["isBase64Encoded"] is False
    assert answer["multiValueHeaders"]["x-request-id"] == ["request-1"]
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    return answer["statusCode"], json.loads(answer["body"])
