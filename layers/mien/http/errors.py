"""Errors on the wire: the one table from the error tree to status and code, and the one body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from mien.domain import errors
from mien.domain.errors import MienError, QuotaExceeded


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """`detail`, when given, is said instead of the error's own message: ARSA's wording, or ours where the caller is
    owed no more.
    """

    status: int
    code: str
    detail: str | None = None


class QuotaDetail(TypedDict):
    """ARSA's object. What is used and the limit are null where they are not known."""

    error: str
    message: str
    used: int | None
    limit: int | None


class ErrorName(TypedDict):
    """The error for a program, and the request's id for whoever is asked about it."""

    code: str
    request_id: str


class ErrorBody(TypedDict):
    """What every refused or failed call is answered. The message is a sentence for a person, the detail the same."""

    status: Literal["error"]
    message: str
    detail: str | QuotaDetail
    error: ErrorName


_OURS = "Something went wrong on our side."

ERRORS: dict[type[MienError], ErrorEntry] = {
    errors.MalformedRequest: ErrorEntry(400, "malformed_request"),
    errors.InvalidApiKey: ErrorEntry(401, "invalid_api_key", detail="Invalid or inactive API key"),
    errors.AccountSuspended: ErrorEntry(403, "account_suspended", detail="Account suspended"),
    errors.FeatureDisabled: ErrorEntry(403, "feature_disabled"),
    errors.NotFound: ErrorEntry(404, "not_found"),
    errors.SubjectNotFound: ErrorEntry(404, "not_found"),
    errors.KeyNotFound: ErrorEntry(404, "not_found"),
    errors.UploadNotFound: ErrorEntry(404, "not_found"),
    errors.MethodNotAllowed: ErrorEntry(405, "method_not_allowed"),
    errors.RequestTimedOut: ErrorEntry(408, "request_timeout"),
    errors.AlreadyRegistered: ErrorEntry(409, "already_registered"),
    errors.EmbeddingSpaceMismatch: ErrorEntry(409, "embedding_space_mismatch"),
    errors.ImageTooLarge: ErrorEntry(413, "image_too_large"),
    errors.UnsupportedImage: ErrorEntry(415, "unsupported_image"),
    errors.MissingField: ErrorEntry(422, "missing_field"),
    errors.InvalidParameter: ErrorEntry(422, "invalid_parameter"),
    errors.UrlNotAllowed: ErrorEntry(422, "url_not_allowed"),
    errors.UrlNotFetched: ErrorEntry(422, "url_not_fetched"),
    errors.UndecodableImage: ErrorEntry(422, "undecodable_image"),
    errors.NoFace: ErrorEntry(422, "no_face"),
    errors.MultipleFaces: ErrorEntry(422, "multiple_faces"),
    errors.LowQuality: ErrorEntry(422, "low_quality"),
    errors.Spoof: ErrorEntry(422, "spoof"),
    errors.QuotaExceeded: ErrorEntry(429, "quota_exceeded"),
    errors.RateLimited: ErrorEntry(429, "rate_limited"),
    errors.InternalError: ErrorEntry(500, "internal", detail=_OURS),
    errors.ConfigurationError: ErrorEntry(500, "internal", detail=_OURS),
    errors.NotEnabled: ErrorEntry(501, "not_implemented"),
    errors.FunctionFailed: ErrorEntry(502, "bad_gateway", detail="The call failed on our side. Try again."),
    errors.Unavailable: ErrorEntry(503, "unavailable", detail="A part of this service does not answer. Try again."),
    errors.FunctionTimedOut: ErrorEntry(504, "timeout", detail="The call took too long and was given up."),
}


def entry_for(error: MienError) -> ErrorEntry:
    """The row of the table for an error."""
    return ERRORS[type(error)]


def error_body(error: MienError, request_id: str) -> ErrorBody:
    """The contract's error body."""
    entry = entry_for(error)
    message = entry.detail or error.message
    return ErrorBody(
        status="error",
        message=message,
        detail=_quota_detail(error, message) if isinstance(error, QuotaExceeded) else message,
        error=ErrorName(code=entry.code, request_id=request_id),
    )


def _quota_detail(error: QuotaExceeded, message: str) -> QuotaDetail:
    return QuotaDetail(error=entry_for(error).code, message=message, used=error.used, limit=error.limit)
