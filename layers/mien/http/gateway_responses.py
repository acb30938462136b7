"""What API Gateway answers in a function's stead, in the contract's body and status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mien.domain.errors import (
    FunctionFailed,
    FunctionTimedOut,
    ImageTooLarge,
    InternalError,
    InvalidApiKey,
    MalformedRequest,
    MethodNotAllowed,
    MienError,
    NotFound,
    QuotaExceeded,
    RateLimited,
    UnsupportedImage,
)
from mien.http.cors import CORS_HEADERS
from mien.http.errors import entry_for, error_body
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.routes import ROUTES, STAGE
from mien.http.wire import REQUEST_ID_HEADER, compact_json

NOT_FOUND = "There is nothing at this path."
TOO_LARGE = f"The upload is too large; an image may have at most {MAX_IMAGE_BYTES:,} bytes."

GATEWAY_ERRORS: Mapping[str, MienError] = {
    "UNAUTHORIZED": InvalidApiKey(),
    "ACCESS_DENIED": InvalidApiKey(),
    "INVALID_API_KEY": InvalidApiKey(),  # known to the key store, but in no usage plan
    "MISSING_AUTHENTICATION_TOKEN": NotFound(NOT_FOUND),  # what API Gateway says of a path that is not there
    "INVALID_SIGNATURE": NotFound(NOT_FOUND),  # the same, to a caller with an Authorization header
    "EXPIRED_TOKEN": NotFound(NOT_FOUND),
    "RESOURCE_NOT_FOUND": NotFound(NOT_FOUND),
    "BAD_REQUEST_PARAMETERS": MalformedRequest("The request cannot be read."),
    "BAD_REQUEST_BODY": MalformedRequest("The body cannot be read."),
    "REQUEST_TOO_LARGE": ImageTooLarge(TOO_LARGE),
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedImage("This type of content is not read here."),
    "THROTTLED": RateLimited("Too many calls a second. Try again in a second."),
    "QUOTA_EXCEEDED": QuotaExceeded("The calls of this month are used up."),
    "AUTHORIZER_FAILURE": FunctionFailed(),
    "AUTHORIZER_CONFIGURATION_ERROR": InternalError(),
    "API_CONFIGURATION_ERROR": InternalError(),
    "INTEGRATION_FAILURE": FunctionFailed(),
    "INTEGRATION_TIMEOUT": FunctionTimedOut(),
    "DEFAULT_4XX": MalformedRequest("The request was refused."),
    "DEFAULT_5XX": InternalError(),
}
"""By API Gateway's response type. The defaults are for types that come to be later."""

_RETRY_AFTER = {"retry-after": "1"}


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """An answer as API Gateway is told to give it: `body` is a template, a header's value an expression.

    `status` is None for the defaults: one given there would be every other type's as well.
    """

    status: int | None
    headers: Mapping[str, str]
    body: str


def gateway_response(kind: str) -> GatewayResponse:
    """What to answer with a response type of API Gateway."""
    error = GATEWAY_ERRORS[kind]
    answer = answer_of(error)
    return replace(answer, status=None) if kind.startswith("DEFAULT_") else answer


def error_headers(error: MienError) -> dict[str, str]:
    """What goes with every answer of the gateway's own, but for the request id."""
    if isinstance(error, MethodNotAllowed):
        return CORS_HEADERS | {"allow": ", ".join(error.allowed)}
    return CORS_HEADERS | (_RETRY_AFTER if isinstance(error, RateLimited) else {})


def answer_of(error: MienError) -> GatewayResponse:
    """An error as API Gateway's own answer."""
    headers = {name: f"'{value}'" for name, value in error_headers(error).items()}
    headers[REQUEST_ID_HEADER] = "context.requestId"
    return GatewayResponse(entry_for(error).status, headers, compact_json(error_body(error, "$context.requestId")))


def wrong_method(path: str, method: str) -> MethodNotAllowed:
    """The error of calling a path of the contract with a method that it has no route for."""
    methods = tuple(route.method for route in ROUTES if route.path == path)
    return MethodNotAllowed(
        f"/{STAGE}{path} answers to {' or '.join(methods)}, not to {method}.", (*methods, "OPTIONS")
    )
