"""What callers may set: query parameters, headers, and the forms that an image comes in."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mien.domain.face_filter import FaceFilter
from mien.domain.gallery import (
    COLLECTION_PATTERN,
    DEFAULT_COLLECTION,
    DEFAULT_MATCH_POLICY,
    MAX_METADATA_BYTES,
    MAX_UID_LENGTH,
    UID_PATTERN,
    UNKNOWN,
)
from mien.domain.uploads import MAX_UPLOAD_BYTES, Task, TaskKind
from mien.http.limits import MAX_ADDITIONAL_IMAGES
from mien.http.parameters import DEFAULT_PAGE, MONTH_PATTERN, NUMBERS
from mien.http.routes import (
    BINARY_MEDIA_TYPES,
    COLLECTION,
    IMAGE_MEDIA_TYPES,
    MATCH_POLICY,
    MONTH,
    OPEN_UPLOAD,
    PAGE,
)
from mien.http.wire import UID_HEADER
from mien.openapi.operations import Operation
from mien.openapi.types import Schema, reference

_FORM, *_IMAGES = BINARY_MEDIA_TYPES
_JSON = "application/json"
_FILE: Schema = {"type": "string", "format": "binary"}
_BASE64: Schema = {
    "type": "string",
    "minLength": 1,
    "contentEncoding": "base64",
    "description": "A JPEG, PNG or WebP in base64, or as a data: URI.",
}
_METADATA: Schema = {
    "type": "string",
    "maxLength": MAX_METADATA_BYTES,
    "description": f"Anything of yours, kept with the person; at most {MAX_METADATA_BYTES:,} bytes of UTF-8.",
}

_MEANINGS = {
    "max_faces": "At most so many faces, the largest.",
    "min_face_size": "Only faces whose shorter side has so many pixels.",
    "min_detection_probability": "Only faces that are so surely one; by default the detector's own operating point.",
    "min_liveness": "Refuse photos whose face is less surely a live person's; by default the network's own threshold.",
    "limit": "How many people a page has.",
    "next_token": "Where to go on: the `next_token` of the page before.",
    "match_policy": "How many pairs of strangers in ten, a hundred … may be taken for one person.",
    "collection": "Which of your collections.",
    "month": "A UTC calendar month, by default the present one.",
}
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(FaceFilter)} | {
    PAGE[0]: DEFAULT_PAGE,
    MATCH_POLICY: DEFAULT_MATCH_POLICY,
    COLLECTION: DEFAULT_COLLECTION,
}
_HEADERS: dict[str, Schema] = {
    UID_HEADER: {
        "name": UID_HEADER,
        "in": "header",
        "required": True,
        "description": f"Whom this is about: 1 to {MAX_UID_LENGTH} printable ASCII characters, not {UNKNOWN!r}.",
        "schema": {"type": "string", "pattern": f"^{UID_PATTERN}$", "not": {"const": UNKNOWN}},
        "example": "barack",
    }
}


def parameters(operation: Operation, policies: list[str]) -> list[Schema]:
    """The query parameters and headers of an operation."""
    route = operation.route
    return [
        *(_in_path(name) for name in route.path_parameters(route.url_path) or ()),
        *(_query(name, policies) for name in route.parameters),
        *(_HEADERS[name] for name in route.headers),
    ]


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, policies: list[str]) -> Schema:
    schema = _schema(name, policies)
    if _DEFAULTS.get(name) is not None:
        schema["default"] = _DEFAULTS[name]
    return {"name": name, "in": "query", "required": False, "description": _MEANINGS[name], "schema": schema}


def _schema(name: str, policies: list[str]) -> Schema:
    if name in NUMBERS:
        number = NUMBERS[name]
        kind = "integer" if number.kind is int else "number"
        return {"type": kind, "minimum": number.low, "maximum": number.high}
    if name == MATCH_POLICY:
        return {"type": "string", "enum": policies}
    patterns = {COLLECTION: COLLECTION_PATTERN, MONTH: MONTH_PATTERN}
    return {"type": "string"} | ({"pattern": f"^{patterns[name]}$"} if name in patterns else {"minLength": 1})


def request_body(operation: Operation) -> Schema | None:
    """An image in every way that it may come, or what is said of one that is to come."""
    images = operation.route.images
    if operation.route is OPEN_UPLOAD:
        return {"required": True, "content": {_JSON: {"schema": reference("UploadInJson")}}}
    if not images:
        return None
    form, texts = _names(operation)
    content = {
        _FORM: {"schema": reference(form), "encoding": {name: {"contentType": ", ".join(_IMAGES)} for name in images}},
        _JSON: {"schema": texts},
    }
    if len(images) == 1:
        content |= {kind: {"schema": _FILE} for kind in _IMAGES}
    return {"required": True, "content": content}


def _names(operation: Operation) -> tuple[str, Schema]:
    """Which form an operation takes, and which JSON: its own, or an image under its general name, or a URL."""
    images = operation.route.images
    if len(images) > 1:
        return "ImagePairForm", reference("ImagePairInJson")
    own = "Photos" if operation.may_enrol else {"face_image": "FaceImage", "image": "Image"}[images[0]]
    options = dict.fromkeys((f"{own}InJson", "ImageInJson", "FaceImageInJson", "ImageUrl"))
    return f"{own}Form", {"anyOf": [reference(name) for name in options]}


def bodies() -> dict[str, Schema]:
    """The schemas of forms and JSON bodies, by name."""
    url = {
        "type": "string",
        "format": "uri",
        "description": "Where the image is fetched from, by https, where the deployment does so.",
    }
    made = {"ImageUrl": _texts({"url": url}, ("url",))}
    for name, images in (("Image", ("image",)), ("FaceImage", ("face_image",)), ("ImagePair", ("image1", "image2"))):
        made[f"{name}Form"] = _record(dict.fromkeys(images, _FILE), images)
        made[f"{name}InJson"] = _texts(dict.fromkeys(images, _BASE64), images)
    photos, needed = ("face_image", *_additional()), ("face_image",)
    made["PhotosForm"] = _record(dict.fromkeys(photos, _FILE) | {"metadata": _METADATA}, needed)
    made["PhotosInJson"] = _texts(dict.fromkeys(photos, _BASE64) | {"metadata": _METADATA}, needed)
    made["UploadInJson"] = _upload() | {"additionalProperties": False}
    return made


def _upload() -> Schema:
    task = Task()
    what: dict[str, Schema] = {
        "content_type": {"type": "string", "enum": list(IMAGE_MEDIA_TYPES)},
        "bytes": {"type": "integer", "minimum": 1, "maximum": MAX_UPLOAD_BYTES},
        "task": {"type": "string", "enum": list(TaskKind), "default": task.kind},
        "collection": {"type": "string", "pattern": f"^{COLLECTION_PATTERN}$", "default": task.collection},
        "match_policy": {"type": "string", "default": task.match_policy},
    }
    return _record(what, ("content_type", "bytes"))


def _additional() -> list[str]:
    return [f"additional_face_image_{number}" for number in range(MAX_ADDITIONAL_IMAGES)]


def _record(properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _texts(properties: dict[str, Schema], required: tuple[str, ...]) -> Schema:
    """A JSON body: what else it holds is not looked at, but must be text."""
    return _record(properties, required) | {"additionalProperties": {"type": "string"}}
