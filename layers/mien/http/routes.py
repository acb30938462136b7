"""Every route, as data that the functions, the local gateway and the stack all read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mien.domain.plans import Feature
from mien.http.wire import UID_HEADER

STAGE = "api"
VERSION_PATH = "/v1"

FunctionName = Literal["analytics", "emotion", "recognition", "account"]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, without the stage, and the function that answers; the query parameters it takes, the feature
    without which nothing would be left of it, and whether its 2xx answers are billed. `images` are the fields of its
    body that must hold one, `headers` those it reads beside the key's. A public route needs no key.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    function: FunctionName
    parameters: tuple[str, ...] = ()
    feature: Feature | None = None
    metered: bool = True
    images: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    public: bool = False

    @property
    def name(self) -> str:
        """What its calls are counted under: the last part of its path that is not a parameter."""
        return [part for part in self.path.split("/") if not part.startswith("{")][-1] or "playground"

    @property
    def url_path(self) -> str:
        """The path as callers write it, with the stage."""
        return f"/{STAGE}{self.path}"

    def path_parameters(self, url_path: str) -> dict[str, str] | None:
        """What stands in a path where this one has parameters, by their names; None when it is another path."""
        wanted, given = self.url_path.split("/"), url_path.split("/")
        pairs = list(zip(wanted, given, strict=False))
        if len(wanted) != len(given) or not all(one == other or (one[:1] == "{" and other) for one, other in pairs):
            return None
        return {one[1:-1]: other for one, other in pairs if one[:1] == "{"}


FACE_FILTER = ("max_faces", "min_face_size", "min_detection_probability")
MATCH_POLICY = "match_policy"
COLLECTION = "collection"
MIN_LIVENESS = "min_liveness"
PAGE = ("limit", "next_token")
MONTH = "month"

_RECOGNITION = f"{VERSION_PATH}/face_recognition"

FACE_ANALYTICS = Route("POST", f"{VERSION_PATH}/face_analytics", "analytics", FACE_FILTER, images=("face_image",))
FACE_LIVENESS = Route("POST", f"{VERSION_PATH}/face_liveness", "analytics", FACE_FILTER, images=("face_image",))

EMOTION_DETECTION = Route(
    "POST", f"{VERSION_PATH}/emotion-detection", "emotion", FACE_FILTER, Feature.EMOTION, images=("image",)
)

REGISTER_FACE = Route(
    "POST",
    f"{_RECOGNITION}/register_face",
    "recognition",
    (COLLECTION, MIN_LIVENESS),
    Feature.IDENTIFICATION,
    images=("face_image",),
    headers=(UID_HEADER,),
)
UPDATE_FACE = Route(
    "PUT",
    f"{_RECOGNITION}/update_face",
    "recognition",
    (COLLECTION, MIN_LIVENESS),
    Feature.IDENTIFICATION,
    images=("face_image",),
    headers=(UID_HEADER,),
)
RECOGNIZE_FACE = Route(
    "POST",
    f"{_RECOGNITION}/recognize_face",
    "recognition",
    (*FACE_FILTER, MATCH_POLICY, COLLECTION),
    Feature.IDENTIFICATION,
    images=("face_image",),
)
VALIDATE_FACES = Route(
    "POST", f"{_RECOGNITION}/validate_faces", "recognition", (MATCH_POLICY,), images=("image1", "image2")
)
# Whoever may not enrol, or has no calls left, can still see and delete.
DELETE_FACE = Route(
    "DELETE", f"{_RECOGNITION}/delete_face", "recognition", (COLLECTION,), metered=False, headers=(UID_HEADER,)
)
VIEW_DB = Route("GET", f"{_RECOGNITION}/view_db", "recognition", (COLLECTION, *PAGE), metered=False)

USAGE = Route("GET", f"{VERSION_PATH}/usage", "account", (MONTH,), metered=False)
MODELS = Route("GET", f"{VERSION_PATH}/models", "account", metered=False)

# The photo is counted when it is answered.
OPEN_UPLOAD = Route("POST", f"{VERSION_PATH}/uploads", "account", metered=False)
FIND_UPLOAD = Route("GET", f"{VERSION_PATH}/uploads/{{id}}", "account", metered=False)

HEALTH = Route("GET", f"{VERSION_PATH}/health", "account", metered=False, public=True)
OPENAPI = Route("GET", f"{VERSION_PATH}/openapi.json", "account", metered=False, public=True)

# For people, in HTML.
PLAYGROUND = Route("GET", "/", "account", metered=False, public=True)
REFERENCE = Route("GET", "/docs", "account", metered=False, public=True)
PAGES = (PLAYGROUND, REFERENCE)

ROUTES = (
    FACE_ANALYTICS,
    FACE_LIVENESS,
    EMOTION_DETECTION,
    REGISTER_FACE,
    UPDATE_FACE,
    RECOGNIZE_FACE,
    VALIDATE_FACES,
    DELETE_FACE,
    VIEW_DB,
    OPEN_UPLOAD,
    FIND_UPLOAD,
    USAGE,
    MODELS,
    HEALTH,
    OPENAPI,
    *PAGES,
)

IMAGE_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
BINARY_MEDIA_TYPES = ("multipart/form-data", *IMAGE_MEDIA_TYPES)
"""Bodies of these types reach a function as base64; others as text."""
