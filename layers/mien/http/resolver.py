"""The resolver that every function with routes is built on: error bodies, request ids, the account's standing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from mien.domain.errors import AccountSuspended, InternalError, MienError, NotFound, ServiceError
from mien.domain.keys import KeyStatus
from mien.http.cors import CORS_HEADERS
from mien.http.errors import entry_for, error_body
from mien.http.images import Form, read_body, read_form
from mien.http.parameters import Query, refuse_others
from mien.http.routes import STAGE, Route
from mien.http.wire import REQUEST_ID_HEADER, compact_json

logger = Logger(service="mien")

_KEY_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose data a request may touch, and by which key."""

    tenant: str
    key_hash: str

    @property
    def key_id(self) -> str:
        """Enough of the hash to tell the owner's keys apart."""
        return self.key_hash[:_KEY_ID_LENGTH]


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

        def refuse_unknown_parameters(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
            refuse_others(app.current_event.resolved_query_string_parameters, route.parameters)
            return next_middleware(app)

        return self.route(route.path, method=route.method, middlewares=[refuse_unknown_parameters])

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The Lambda handler."""
        answer = self.resolve(event, context)
        headers = CORS_HEADERS | {REQUEST_ID_HEADER: self.request_id}
        answer["multiValueHeaders"].update({name: [value] for name, value in headers.items()})
        return answer

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request being answered."""
        return str(self.current_event.request_context.request_id)

    @property
    def query(self) -> Query:
        """The query parameters, each with all its values."""
        return self.current_event.resolved_query_string_parameters

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by name in any case."""
        return self.current_event.headers

    @property
    def caller(self) -> Caller:
        """Who is calling, as the authorizer found. Raises InternalError when it said nothing."""
        context = self.current_event.request_context.authorizer.raw_event
        try:
            return Caller(tenant=context["tenant"], key_hash=context["principalId"])
        except KeyError:
            raise InternalError("The authorizer named no tenant.") from None

    def form(self) -> Form:
        """The form of the request being answered. Raises RequestError."""
        event = self.current_event
        body = read_body(event.body, bool(event.is_base64_encoded))
        return read_form(event.headers.get("content-type", ""), body)

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
