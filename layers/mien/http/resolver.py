"""The resolver that every function with routes is built on: error bodies, request ids, the account's standing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from mien.domain.errors import AccountSuspended, FeatureDisabled, InternalError, MienError, NotFound, ServiceError
from mien.domain.keys import KeyStatus
from mien.http.caller import Caller
from mien.http.cors import CORS_HEADERS
from mien.http.errors import ErrorBody, entry_for, error_body
from mien.http.features import leave_out
from mien.http.gateway_responses import NOT_FOUND
from mien.http.images import Form, read_body, read_form
from mien.http.metering import Metering
from mien.http.observability import CallRecord, logger, report
from mien.http.parameters import Query, refuse_others
from mien.http.routes import STAGE, Route
from mien.http.wire import REQUEST_ID_HEADER, compact_json
from mien.ports.image_source import ImageSource

if TYPE_CHECKING:  # functions without pages put none together
    from mien.http.pages import Page


class Resolver(APIGatewayRestResolver):
    """Answers API Gateway proxy events in the contract's words, and counts them; `images` fetches urls."""

    def __init__(self, metering: Metering, images: ImageSource | None = None) -> None:
        self.metering, self.images = metering, images
        self._cold = True
        self._record = CallRecord()
        # Behind a custom domain the stage is part of the path.
        super().__init__(serializer=compact_json, strip_prefixes=[f"/{STAGE}"])
        self.exception_handler(Exception)(self._error)
        self.not_found(lambda _: self._error(NotFound(NOT_FOUND)))

    def route_for(self, route: Route) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the function that answers a route of the contract."""

        def admit(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
            self._record.endpoint = route.name
            refuse_others(self.query, route.parameters)
            if route.public:
                return next_middleware(app)
            return self._answer(route, self.caller, lambda: next_middleware(app))

        path = route.path.replace("{", "<").replace("}", ">")  # as Powertools writes parameters
        return self.route(path, method=route.method, middlewares=[admit])

    def _answer(self, route: Route, caller: Caller, answer: Callable[[], Response[Any]]) -> Response[Any]:
        """What a key's call is answered: counted where the route is metered, less what is switched off for the key."""
        self._record.key_id = caller.key_id
        if caller.status is KeyStatus.SUSPENDED:  # the authorizer lets it through: only here can it be told
            raise AccountSuspended()
        if route.feature in caller.without:
            raise FeatureDisabled(f"This key does not have {route.feature}.")
        response = self.metering(caller, route.name, answer) if route.metered else answer()
        body: Any = response.body
        self._record.faces = len(body) if isinstance(body, list) else body.get("face_count")
        response.body = leave_out(body, caller.without)
        return response

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The Lambda handler."""
        start = perf_counter()
        self._record = CallRecord(cold=self._cold)
        self._cold = False
        answer = self.resolve(event, context)
        headers = CORS_HEADERS | {REQUEST_ID_HEADER: self.request_id}
        answer["multiValueHeaders"].update({name: [value] for name, value in headers.items()})
        self._record.status, self._record.request_id = answer["statusCode"], self.request_id
        self._record.milliseconds = (perf_counter() - start) * 1000
        report(self._record)
        return answer

    def timed(self, stages: Mapping[str, float]) -> None:
        """Say how long the stages of the call took, in milliseconds."""
        self._record.stages = stages

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request being answered."""
        return str(self.current_event.request_context.request_id)

    @property
    def now(self) -> datetime:
        """By the clock that calls are counted by."""
        return self.metering.clock()

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
        """Who is calling. Raises InternalError when the authorizer did not say."""
        return Caller.of(self.current_event.request_context.authorizer.raw_event)

    def stage_url(self, route: Route) -> str:
        """The path, as the caller wrote it, of the stage that a route is answered in: /api, or nothing for a domain
        that is mapped to the stage.
        """
        return str(self.current_event.request_context.path).rstrip("/").removesuffix(route.path.rstrip("/"))

    def page(self, page: Page) -> Response[str]:
        """A page, or that the caller has it already."""
        headers = dict(page.headers)
        if self.headers.get("if-none-match") == page.tag:
            return Response(HTTPStatus.NOT_MODIFIED, None, "", headers)
        return Response(HTTPStatus.OK, content_types.TEXT_HTML + "; charset=utf-8", page.html, headers)

    def form(self) -> Form:
        """The form of the request being answered. Raises RequestError."""
        return read_form(self.current_event.headers.get("content-type", ""), self.body(), self.images)

    def body(self) -> bytes:
        """The body of the request being answered. Raises MalformedRequest."""
        return read_body(self.current_event.body, bool(self.current_event.is_base64_encoded))

    def _error(self, error: Exception) -> Response[ErrorBody]:
        if not isinstance(error, MienError) or isinstance(error, ServiceError):
            logger.exception("The request failed.", exc_info=error, request_id=self.request_id)
        if not isinstance(error, MienError):
            error = InternalError()
        body = error_body(error, self.request_id)
        self._record.code = entry_for(error).code
        return Response(entry_for(error).status, content_types.APPLICATION_JSON, body)


def ok(body: Any) -> Response[Any]:
    """A 200 with a JSON body."""
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, body)
