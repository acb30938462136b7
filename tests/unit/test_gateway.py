"""The local gateway over functions that answer at once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from mien.domain.plans import ANONYMOUS
from mien.http.routes import HEALTH, OPENAPI, Route
from mien.local.functions import LocalFunction
from mien.local.gateway import Gateway


class AnswersAtOnce:
    """A function that keeps the events it was handed."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        self.events.append(event)
        return {"statusCode": 200, "multiValueHeaders": {}, "body": "{}"}


def gateway(function: AnswersAtOnce, authorizer: Any = None) -> Gateway:
    return Gateway(authorizer, {"account": cast(LocalFunction, function)})


def call(gateway: Gateway, route: Route) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    return call_path(gateway, route.method, route.url_path)


def call_path(gateway: Gateway, method: str, path: str) -> tuple[int, dict[str, str]]:
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(gateway(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_a_public_route_asks_no_authorizer_and_its_function_hears_of_none() -> None:
    function = AnswersAtOnce()
    assert call(gateway(function, authorizer=None), HEALTH)[0] == 200
    (event,) = function.events
    assert "authorizer" not in event["requestContext"]


def test_all_callers_of_a_public_route_share_its_rate() -> None:
    function = AnswersAtOnce()
    here = gateway(function)
    answers = [call(here, HEALTH) for _ in range(2 * ANONYMOUS.burst)]
    refused = [headers for status, headers in answers if status == 429]
    assert refused
    assert all(headers["retry-after"] == "1" for headers in refused)
    assert len(function.events) == len(answers) - len(refused) >= ANONYMOUS.burst
    assert call(here, OPENAPI)[0] == 200


def test_pages_are_found_with_the_stage_and_without() -> None:
    function = AnswersAtOnce()
    here = gateway(function)
    for path in ("/", "/api", "/api/", "/docs", "/api/docs"):
        assert call_path(here, "GET", path)[0] == 200
    asked = [(event["resource"], event["path"], event["requestContext"]["path"]) for event in function.events]
    assert asked == [("/", "/", "/api/")] * 3 + [("/docs", "/docs", "/api/docs")] * 2
    assert call_path(here, "GET", "/v1/health")[0] == 404
    status, headers = call_path(here, "POST", "/")
    assert (status, headers["allow"]) == (405, "GET, OPTIONS")
