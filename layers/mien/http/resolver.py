"""The resolver that every function with routes is built on: error bodies, request ids, the account's standing."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from mien.domain.errors import AccountSuspended, InternalError, MienError, NotFound, ServiceError
from mien.domain.keys import KeyStatus
from mien.http.errors import entry_for, error_body
from mien.http.images import read_body, read_images
from mien.http.parameters import Query
from mien.http.routes import STAGE, Route
from mien.http.wire import REQUEST_ID_HEADER, compact_json

logger = Logger(service="mien")


class Resolver(APIGatewayRestResolver):
    """Answers API Gateway proxy events in the contract's words."""

    def __init__(self) -> None:
        # Behind a custom domain the stage is part of the path.
        super().__init__(serializer=compact_json, strip_prefixes=[f"/{STAGE}"])
        self.use(middlewares=[_refuse_suspended])
        self.exception_handler(Exception)(self._error)
        self.not_found(lambda _: self._error(NotFound("There is nothing at this path.")))

    def route_for(self, route: Route) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the function that answers a route of the contract."""
        return self.route(route.path, method=route.method)

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The Lambda handler."""
        answer = self.resolve(event, context)
        answer["multiValueHeaders"][REQUEST_ID_HEADER] = [self.request_id]
        return answer

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request being answered."""
        return str(self.current_event.request_context.request_id)

    @property
    def query(self) -> Query:
        """The query parameters, each with all its values."""
        return self.current_event.resolved_query_string_parameters

    def images(self, *field_names: str) -> list[bytes]:
        """The images of the request being answered. Raises RequestError or ImageError."""
        event = self.current_event
        body = read_body(event.body, bool(event.is_base64_encoded))
        return read_images(event.headers.get("content-type", ""), body, *field_names)

    def _error(self, error: Exception) -> Response[dict[str, Any]]:
        if not isinstance(error, MienError) or isinstance(error, ServiceError):
            logger.exception("The request failed.", exc_info=error, request_id=self.request_id)
        if not isinstance(error, MienError):
            error = InternalError()
        body = error_body(error, self.request_id)
        return Response(entry_for(error).status, content_types.APPLICATION_JSON, body)


def _refuse_suspended(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """The authorizer lets a suspended account through, because only a function can say so in the contract's words."""
    account = app.current_event.request_context.authorizer.raw_event.get("status")
    if account == KeyStatus.SUSPENDED.value:
        raise AccountSuspended()
    return next_middleware(app)


def ok(body: Any) -> Response[Any]:
    """A 200 with a JSON body."""
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, body)
