"""Everything that can go wrong, as one tree. The classes know nothing of HTTP; `http.errors` maps the leaves.

MienError
├── RequestError
│   ├── MalformedRequest       the body cannot be parsed
│   ├── MissingField           a field that the call needs is not there
│   ├── InvalidParameter       a parameter is unknown or out of its range
│   ├── NotFound               nothing answers at this path
│   ├── SubjectNotFound        nobody is enrolled under this uid
│   ├── KeyNotFound            there is no such API key
│   ├── UploadNotFound         there is no such upload, or no longer
│   ├── AlreadyRegistered      somebody is enrolled under this uid
│   ├── MethodNotAllowed       the path answers, but not to this method
│   ├── NotEnabled             what is asked for is not part of this deployment
│   ├── UrlNotAllowed          the url leads where a caller may not send us
│   ├── UrlNotFetched          nothing came from the url
│   └── RequestTimedOut        the upload did not arrive in time
├── ImageError
│   ├── ImageTooLarge          too many bytes or pixels
│   ├── UnsupportedImage       not a JPEG, PNG or WebP
│   └── UndecodableImage       truncated, corrupt or too small
├── AccessError
│   ├── InvalidApiKey          no key, or one that is unknown or revoked
│   ├── AccountSuspended       the key's account is suspended
│   ├── FeatureDisabled        what is asked for is switched off for the key or its plan
│   ├── QuotaExceeded          the plan's calls of this month are used up
│   └── RateLimited            more calls a second than the plan has
├── FaceError
│   ├── NoFace                 the operation needs a face and there is none
│   ├── MultipleFaces          the operation needs one face and there are several
│   ├── LowQuality             the face is too small, dark, blurred or averted to be told from others
│   ├── Spoof                  the face does not look like a live person's
│   └── EmbeddingSpaceMismatch faces embedded by different models cannot be compared
└── ServiceError
    ├── InternalError          ours, and not the caller's to mend
    ├── ConfigurationError     this deployment is not set up as it says it is
    ├── Unavailable            a store does not answer
    ├── FunctionFailed         the function ended without an answer
    └── FunctionTimedOut       the function ran out of time

The text of an error is a sentence for the person who made the call: no path, key, pixel or embedding.
"""

from __future__ import annotations


class MienError(Exception):
    """Root of the tree."""

    @property
    def message(self) -> str:
        return str(self)


class RequestError(MienError):
    """The request is at fault."""


class MalformedRequest(RequestError):
    """The body cannot be parsed."""


class MissingField(RequestError):
    """A field that the call needs is not there."""


class InvalidParameter(RequestError):
    """A parameter is unknown or out of its range."""


class NotFound(RequestError):
    """Nothing answers at this path."""


class SubjectNotFound(RequestError):
    """Nobody is enrolled under this uid."""


class KeyNotFound(RequestError):
    """There is no such API key."""


class UploadNotFound(RequestError):
    """There is no such upload, or no longer."""


class AlreadyRegistered(RequestError):
    """Somebody is enrolled under this uid."""


class MethodNotAllowed(RequestError):
    """The path answers, but not to this method; to which it does, `allowed` says."""

    def __init__(self, message: str = "", allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class NotEnabled(RequestError):
    """What is asked for is not part of this deployment."""


class UrlNotAllowed(RequestError):
    """The url leads where a caller may not send us."""


class UrlNotFetched(RequestError):
    """Nothing came from the url."""


class RequestTimedOut(RequestError):
    """The upload did not arrive in time."""


class ImageError(MienError):
    """The image is at fault."""


class ImageTooLarge(ImageError):
    """Too many bytes or pixels."""


class UnsupportedImage(ImageError):
    """Not a JPEG, PNG or WebP."""


class UndecodableImage(ImageError):
    """Truncated, corrupt or too small."""


class AccessError(MienError):
    """The caller may not."""


class InvalidApiKey(AccessError):
    """No key, or one that is unknown or revoked."""


class AccountSuspended(AccessError):
    """The key's account is suspended."""


class FeatureDisabled(AccessError):
    """What is asked for is switched off for the key or its plan."""


class QuotaExceeded(AccessError):
    """The plan's calls of this month are used up; None where the numbers are not known."""

    def __init__(self, message: str = "", used: int | None = None, limit: int | None = None) -> None:
        super().__init__(message)
        self.used, self.limit = used, limit


class RateLimited(AccessError):
    """More calls a second than the plan has."""


class FaceError(MienError):
    """The faces in the image are not what the operation needs."""


class NoFace(FaceError):
    """The operation needs a face and there is none."""


class MultipleFaces(FaceError):
    """The operation needs one face and there are several."""


class LowQuality(FaceError):
    """The face is too small, dark, blurred or averted to be told from others."""


class Spoof(FaceError):
    """The face does not look like a live person's."""


class EmbeddingSpaceMismatch(FaceError):
    """Faces embedded by different models cannot be compared."""


class ServiceError(MienError):
    """Mien is at fault."""


class InternalError(ServiceError):
    """Ours, and not the caller's to mend."""


class ConfigurationError(ServiceError):
    """The deployment is not set up as it says it is."""


class Unavailable(ServiceError):
    """A store does not answer."""


class FunctionFailed(ServiceError):
    """The function ended without an answer."""


class FunctionTimedOut(ServiceError):
    """The function ran out of time."""
