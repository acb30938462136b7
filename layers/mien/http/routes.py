"""Every route, as data that the functions, the local gateway and the stack all read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STAGE = "api"
VERSION_PATH = "/v1"

FunctionName = Literal["analytics", "recognition"]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, without the stage, and the function that answers."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    function: FunctionName

    @property
    def url_path(self) -> str:
        """The path as callers write it, with the stage."""
        return f"/{STAGE}{self.path}"


FACE_ANALYTICS = Route("POST", f"{VERSION_PATH}/face_analytics", "analytics")
FACE_LIVENESS = Route("POST", f"{VERSION_PATH}/face_liveness", "analytics")

VALIDATE_FACES = Route("POST", f"{VERSION_PATH}/face_recognition/validate_faces", "recognition")

ROUTES = (FACE_ANALYTICS, FACE_LIVENESS, VALIDATE_FACES)

BINARY_MEDIA_TYPES = ("multipart/form-data", "image/jpeg", "image/png", "image/webp")
"""Bodies of these types reach a function as base64; others as text."""
