"""Every route, as data that the functions, the local gateway and the stack all read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STAGE = "api"
VERSION_PATH = "/v1"

FunctionName = Literal["analytics", "recognition"]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, without the stage, the function that answers, and the query parameters it takes."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    function: FunctionName
    parameters: tuple[str, ...] = ()

    @property
    def url_path(self) -> str:
        """The path as callers write it, with the stage."""
        return f"/{STAGE}{self.path}"


FACE_FILTER = ("max_faces", "min_face_size", "min_detection_probability")
MATCH_POLICY = "match_policy"
COLLECTION = "collection"
MIN_LIVENESS = "min_liveness"
PAGE = ("limit", "next_token")

_RECOGNITION = f"{VERSION_PATH}/face_recognition"

FACE_ANALYTICS = Route("POST", f"{VERSION_PATH}/face_analytics", "analytics", FACE_FILTER)
FACE_LIVENESS = Route("POST", f"{VERSION_PATH}/face_liveness", "analytics", FACE_FILTER)

REGISTER_FACE = Route("POST", f"{_RECOGNITION}/register_face", "recognition", (COLLECTION, MIN_LIVENESS))
UPDATE_FACE = Route("PUT", f"{_RECOGNITION}/update_face", "recognition", (COLLECTION, MIN_LIVENESS))
RECOGNIZE_FACE = Route(
    "POST", f"{_RECOGNITION}/recognize_face", "recognition", (*FACE_FILTER, MATCH_POLICY, COLLECTION)
)
VALIDATE_FACES = Route("POST", f"{_RECOGNITION}/validate_faces", "recognition", (MATCH_POLICY,))
DELETE_FACE = Route("DELETE", f"{_RECOGNITION}/delete_face", "recognition", (COLLECTION,))
VIEW_DB = Route("GET", f"{_RECOGNITION}/view_db", "recognition", (COLLECTION, *PAGE))

ROUTES = (
    FACE_ANALYTICS,
    FACE_LIVENESS,
    REGISTER_FACE,
    UPDATE_FACE,
    RECOGNIZE_FACE,
    VALIDATE_FACES,
    DELETE_FACE,
    VIEW_DB,
)

BINARY_MEDIA_TYPES = ("multipart/form-data", "image/jpeg", "image/png", "image/webp")
"""Bodies of these types reach a function as base64; others as text."""
