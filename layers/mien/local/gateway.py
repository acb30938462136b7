"""API Gateway on a laptop, as an ASGI application: routes, authorizer with its cache, limits, gateway errors."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mien.domain.errors import (
    FunctionFailed,
    ImageTooLarge,
    InternalError,
    InvalidApiKey,
    MienError,
    NotFound,
    RateLimited,
    RequestTimedOut,
)
from mien.domain.plans import ANONYMOUS, PLANS, Plan
from mien.http.cors import CORS_HEADERS, preflight_headers
from mien.http.errors import entry_for, error_body
from mien.http.gateway_responses import NOT_FOUND, TOO_LARGE, error_headers, wrong_method
from mien.http.limits import AUTHORIZER_CACHE_SECONDS, MAX_BODY_BYTES, MAX_EVENT_BYTES, UPLOAD_SECONDS
from mien.http.routes import PAGES, ROUTES, Route
from mien.http.wire import KEY_HEADER, REQUEST_ID_HEADER, compact_json
from mien.local.events import HttpRequest, authorizer_event, proxy_event
from mien.local.functions import LocalFunction
from mien.local.throttle import Throttle

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger("gateway")

CACHED_KEYS = 10_000
PAGE_PATHS = {path.rstrip("/"): page.url_path for page in PAGES for path in (page.path, page.url_path)}
"""Where pages are, by where a person looks for them: with the stage or without, ended by a slash or not."""

DISCARDED_BYTES = 64 * 1024 * 1024  # of an oversized upload, read on so that the client hears the answer


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers and body to send."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Gateway:
    """The ASGI application."""

    def __init__(self, authorizer: LocalFunction, functions: Mapping[str, LocalFunction]) -> None:
        self._authorizer, self._functions = authorizer, functions
        self._throttle = Throttle()
        self._policies: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    async def start(self) -> None:
        """Load every function. Raises ConfigurationError."""
        await asyncio.gather(*(function.start() for function in self._everything()))

    async def stop(self) -> None:
        """End every function."""
        await asyncio.gather(*(function.stop() for function in self._everything()))

    def _everything(self) -> list[LocalFunction]:
        return [self._authorizer, *self._functions.values()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, request_id = time.perf_counter(), str(uuid.uuid4())
        try:
            answer = await self._answer(scope, receive, request_id)
        except MienError as error:
            answer = _error_answer(error, request_id)
        except Exception:
            log.exception("The gateway failed on %s", request_id)
            answer = _error_answer(InternalError(), request_id)
        await send_answer(send, answer)
        took = (time.perf_counter() - started) * 1000
        log.info("%s %s %d %.0f ms", scope["method"], scope["path"], answer.status, took)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> HttpAnswer:
        body = await _read_body(receive)
        scope = {**scope, "path": PAGE_PATHS.get(scope["path"].rstrip("/"), scope["path"])}
        if scope["method"] == "OPTIONS":
            return _preflight(scope["path"])
        route = _find_route(scope["method"], scope["path"])
        request = _http_request(scope, body, request_id)
        context = await self._admit(request, route)
        event = proxy_event(request, route, context)
        if len(event["body"] or "") > MAX_EVENT_BYTES:
            raise ImageTooLarge(TOO_LARGE)
        response = await self._functions[route.function].invoke(event, request_id)
        return _http_answer(response)

    async def _admit(self, request: HttpRequest, route: Route) -> dict[str, Any] | None:
        """The authorizer's context for the function, of which a public route has none.

        Raises:
            InvalidApiKey: the authorizer denies.
            RateLimited: the key, or a public route, was called too often.

        """
        if route.public:
            self._throttle_by(route.path, ANONYMOUS)
            return None
        context = await self._authorise(request, route)
        self._throttle_by(context["principalId"], PLANS[context["plan"]])
        return context

    def _throttle_by(self, key: str, plan: Plan) -> None:
        if not self._throttle.admits(key, plan, time.monotonic()):
            raise RateLimited(f"The plan {plan.name} has {plan.calls_per_second} calls a second. Wait a moment.")

    async def _authorise(self, request: HttpRequest, route: Route) -> dict[str, Any]:
        """The authorizer's context for the function. Raises InvalidApiKey on a denial."""
        secret = request.header(KEY_HEADER)
        if not secret:
            raise InvalidApiKey()
        policy = self._cached_policy(secret)
        if policy is None:
            policy = await self._authorizer.invoke(authorizer_event(request, route), request.id)
            self._cache_policy(secret, policy)
        if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            raise InvalidApiKey()
        return {"principalId": policy["principalId"], **policy["context"]}

    def _cached_policy(self, secret: str) -> dict[str, Any] | None:
        expires, policy = self._policies.get(secret, (0.0, None))
        return policy if time.monotonic() < expires else None

    def _cache_policy(self, secret: str, policy: dict[str, Any]) -> None:
        self._policies.pop(secret, None)
        self._policies[secret] = (time.monotonic() + AUTHORIZER_CACHE_SECONDS, policy)
        while len(self._policies) > CACHED_KEYS:
            self._policies.popitem(last=False)


def _preflight(path: str) -> HttpAnswer:
    """What a browser asks before it calls another origin."""
    methods = [route.method for route in ROUTES if route.path_parameters(path) is not None]
    if not methods:
        raise NotFound(NOT_FOUND)
    return HttpAnswer(HTTPStatus.NO_CONTENT, tuple((CORS_HEADERS | preflight_headers(methods)).items()), b"")


def _find_route(method: str, path: str) -> Route:
    there = [route for route in ROUTES if route.path_parameters(path) is not None]
    for route in there:
        if route.method == method:
            return route
    if there:
        raise wrong_method(there[0].path, method)
    raise NotFound(NOT_FOUND)


async def _read_body(receive: Receive) -> bytes:
    """The whole body. Raises RequestTimedOut or ImageTooLarge."""
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            more = True
            while more and size <= DISCARDED_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestTimedOut("The upload broke off.")
                size += len(message.get("body", b""))
                if size <= MAX_BODY_BYTES:
                    body += message.get("body", b"")
                more = message.get("more_body", False)
    except TimeoutError:
        raise RequestTimedOut(f"The upload did not arrive within {UPLOAD_SECONDS} s.") from None
    if size > MAX_BODY_BYTES:
        raise ImageTooLarge(TOO_LARGE)
    return bytes(body)


def _http_request(scope: Scope, body: bytes, request_id: str) -> HttpRequest:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope["client"][0] if scope.get("client") else ""
    query = scope["query_string"].decode("latin-1")
    return HttpRequest(request_id, scope["method"], scope["path"], query, headers, body, client)


def _http_answer(response: Mapping[str, Any]) -> HttpAnswer:
    if not isinstance(response.get("statusCode"), int):
        raise FunctionFailed()
    headers = tuple((name, value) for name, values in response["multiValueHeaders"].items() for value in values)
    return HttpAnswer(response["statusCode"], headers, (response.get("body") or "").encode())


def _error_answer(error: MienError, request_id: str) -> HttpAnswer:
    headers = error_headers(error) | {"content-type": "application/json", REQUEST_ID_HEADER: request_id}
    return HttpAnswer(
        entry_for(error).status, tuple(headers.items()), compact_json(error_body(error, request_id)).encode()
    )


async def send_answer(send: Send, answer: HttpAnswer) -> None:
    """Send a whole answer."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
