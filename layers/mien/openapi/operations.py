"""What the document says of each route beside what the routes' own table does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mien.domain import errors
from mien.domain.errors import MienError
from mien.http import routes
from mien.http.about import HealthBody, ModelsBody
from mien.http.routes import Route
from mien.http.schemas import (
    DeletionBody,
    EmotionItem,
    EnrolmentBody,
    Envelope,
    FaceBody,
    ListingBody,
    LivenessFaceBody,
    RecognisedFaceBody,
    ValidationBody,
)
from mien.http.uploads import OpenedUploadBody, UploadBody
from mien.http.usage import UsageBody

FACES, PEOPLE, UPLOADS, ACCOUNT, ABOUT = "faces", "people", "uploads", "account", "about"
TAGS = {
    FACES: "Faces of one photo, or of two.",
    PEOPLE: "People enrolled under your own uids, and found again.",
    UPLOADS: "Photos that are looked at when they land.",
    ACCOUNT: "What your key has used.",
    ABOUT: "What Mien says of itself.",
}

_PHOTO = (errors.NoFace, errors.MultipleFaces)
_REFERENCE = (*_PHOTO, errors.LowQuality, errors.Spoof)


@dataclass(frozen=True, slots=True)
class Operation:
    """A route for people: what it is for, the type of its answer, and the errors that are its own."""

    route: Route
    tag: str
    summary: str
    answer: Any
    description: str = ""
    own_errors: tuple[type[MienError], ...] = ()
    called: str | None = None

    @property
    def name(self) -> str:
        """What generated clients call it: as the route is named, if nothing else says."""
        return self.called or self.route.name.partition(".")[0].replace("-", "_")

    @property
    def may_enrol(self) -> bool:
        """Whether its body takes additional photos and metadata."""
        return self.route in (routes.REGISTER_FACE, routes.UPDATE_FACE)


OPERATIONS = (
    Operation(
        routes.FACE_ANALYTICS,
        FACES,
        "Find the faces of a photo and say what they look like",
        Envelope[FaceBody],
        "No face is an answer, not an error: `faces` is then empty.",
    ),
    Operation(
        routes.FACE_LIVENESS,
        FACES,
        "Say of each face whether it looks like a live person's",
        Envelope[LivenessFaceBody],
        "One passive signal on one image: prints and screens held before a camera are what it tells, and not all.",
    ),
    Operation(
        routes.EMOTION_DETECTION,
        FACES,
        "Say what each face expresses, in SmartClick's words",
        list[EmotionItem],
        "No face is an empty array.",
    ),
    Operation(
        routes.VALIDATE_FACES,
        FACES,
        "Say whether two photos show one person",
        ValidationBody,
        "Each photo must show exactly one face. Score and threshold are probabilities of being one person.",
        _PHOTO,
    ),
    Operation(
        routes.REGISTER_FACE,
        PEOPLE,
        "Enrol a person under a uid of yours",
        EnrolmentBody,
        "Photos that cannot be used are rejected by number; the call is refused when none is left.",
        (*_REFERENCE, errors.AlreadyRegistered),
    ),
    Operation(
        routes.UPDATE_FACE,
        PEOPLE,
        "Replace all photos of a person",
        EnrolmentBody,
        own_errors=(*_REFERENCE, errors.SubjectNotFound),
    ),
    Operation(
        routes.RECOGNIZE_FACE,
        PEOPLE,
        "Name each face of a photo by the uid it was enrolled under",
        Envelope[RecognisedFaceBody],
        "Strangers are `unknown`. The match policy is a false-match rate that holds for the whole collection.",
        (errors.EmbeddingSpaceMismatch,),
    ),
    Operation(
        routes.DELETE_FACE,
        PEOPLE,
        "Delete a person and everything kept of their face",
        DeletionBody,
        own_errors=(errors.SubjectNotFound,),
    ),
    Operation(routes.VIEW_DB, PEOPLE, "List the people of a collection, a page at a time", ListingBody),
    Operation(
        routes.OPEN_UPLOAD,
        UPLOADS,
        "Get a form to post a large photo with",
        OpenedUploadBody,
        "Post it to `url` as multipart/form-data: all `fields`, then the photo as `file`. It is counted when it is "
        "answered.",
        (errors.MissingField, errors.UnsupportedImage, errors.ImageTooLarge, errors.QuotaExceeded),
        called="open_upload",
    ),
    Operation(
        routes.FIND_UPLOAD,
        UPLOADS,
        "Say what became of an upload",
        UploadBody,
        own_errors=(errors.UploadNotFound,),
        called="find_upload",
    ),
    Operation(routes.USAGE, ACCOUNT, "Say what this key has used in a month, of how much", UsageBody),
    Operation(routes.MODELS, ABOUT, "List the networks in use, their licences and how right they are", ModelsBody),
    Operation(routes.HEALTH, ABOUT, "Say that the API answers, and its version", HealthBody),
    Operation(routes.OPENAPI, ABOUT, "This document", dict[str, Any]),
)


def errors_of(operation: Operation) -> Iterator[type[MienError]]:
    """Everything that can go wrong with a call of an operation."""
    route = operation.route
    yield from (errors.MalformedRequest, errors.InvalidParameter, errors.RateLimited)
    yield from (errors.InternalError, errors.FunctionFailed, errors.FunctionTimedOut)
    if not route.public:
        yield from (errors.InvalidApiKey, errors.AccountSuspended, errors.Unavailable)
    if route.metered:
        yield errors.QuotaExceeded
    if route.feature:
        yield errors.FeatureDisabled
    if route.images or route.headers:
        yield errors.MissingField
    if route.images:
        yield from (errors.RequestTimedOut, errors.ImageTooLarge, errors.UnsupportedImage, errors.UndecodableImage)
        yield from (errors.NotEnabled, errors.UrlNotAllowed, errors.UrlNotFetched)
    yield from operation.own_errors
