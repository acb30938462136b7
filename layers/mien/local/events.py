"""HTTP requests as the events that API Gateway (REST) hands to authorizers and functions."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from mien.http.routes import BINARY_MEDIA_TYPES, STAGE, Route

_API = "arn:aws:execute-api:local:000000000000:mien"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in; header names in lower case, in order, repeats kept."""

    id: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: str

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")


def proxy_event(request: HttpRequest, route: Route, authorizer: dict[str, Any] | None) -> dict[str, Any]:
    """The Lambda proxy integration event of a request; a public route has no authorizer."""
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    is_base64 = media_type in BINARY_MEDIA_TYPES and bool(request.body)
    body = base64.b64encode(request.body).decode() if is_base64 else request.body.decode("utf-8", "replace")
    return _common(request, route) | {
        "body": body or None,
        "isBase64Encoded": is_base64,
        "requestContext": _request_context(request, route) | ({"authorizer": authorizer} if authorizer else {}),
    }


def authorizer_event(request: HttpRequest, route: Route) -> dict[str, Any]:
    """The event of a REQUEST authorizer; it has no body."""
    return _common(request, route) | {
        "type": "REQUEST",
        "methodArn": f"{_API}/{STAGE}/{route.method}{route.path}",
        "requestContext": _request_context(request, route),
    }


def _common(request: HttpRequest, route: Route) -> dict[str, Any]:
    query = parse_qs(request.query, keep_blank_values=True)
    return {
        "resource": route.path,
        "path": request.path.removeprefix(f"/{STAGE}"),
        "httpMethod": request.method,
        "headers": dict(request.headers) or None,
        "multiValueHeaders": _grouped(request.headers) or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": route.path_parameters(request.path) or None,
        "stageVariables": None,
    }


def _request_context(request: HttpRequest, route: Route) -> dict[str, Any]:
    return {
        "accountId": "000000000000",
        "apiId": "mien",
        "stage": STAGE,
        "httpMethod": request.method,
        "path": request.path,
        "resourcePath": route.path,
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "requestTimeEpoch": int(time.time() * 1000),
        "identity": {"sourceIp": request.client, "userAgent": request.header("user-agent")},
    }


def _grouped(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped
