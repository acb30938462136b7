"""The whole document."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.resources import files
from typing import Any

from mien import __version__
from mien.domain.errors import MienError
from mien.domain.plans import ANONYMOUS, PLANS
from mien.http.errors import ERRORS, ErrorBody
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.metering import LIMIT_HEADER, RESET_HEADER, USED_HEADER
from mien.http.routes import STAGE, VERSION_PATH
from mien.http.wire import KEY_HEADER, REQUEST_ID_HEADER
from mien.openapi.operations import OPERATIONS, TAGS, Operation, errors_of
from mien.openapi.parameters import bodies, parameters, request_body
from mien.openapi.types import Schema, Schemas, reference, sentence
from mien.vision.decode import MAX_PIXELS

EXAMPLES_NAME = "examples.json"
_JSON = "application/json"
_KEY = "key"


def document(policies: list[str]) -> Schema:
    """The OpenAPI 3.1 document; `policies` are the match policies that the embedder is calibrated for."""
    schemas, examples = Schemas(), recorded()
    paths: defaultdict[str, Schema] = defaultdict(dict)
    for operation in OPERATIONS:
        path = operation.route.path.removeprefix(VERSION_PATH)
        paths[path][operation.route.method.lower()] = _operation(operation, schemas, examples, policies)
    errors = _error_schemas(schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mien",
            "version": __version__,
            "summary": "Face analysis that you own",
            "description": _introduction(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"/{STAGE}{VERSION_PATH}"}],
        "security": [{_KEY: []}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {_KEY: {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
            "headers": _HEADERS,
            "schemas": dict(sorted((schemas.named | errors | bodies()).items())),
            "examples": {code: {"value": body} for code, body in sorted(examples["errors"].items())},
        },
    }


def recorded() -> dict[str, dict[str, Any]]:
    """Real answers: by the name of a route, and those of errors by code."""
    examples: dict[str, dict[str, Any]] = json.loads(files(__package__).joinpath(EXAMPLES_NAME).read_text("utf-8"))
    return examples


def _operation(operation: Operation, schemas: Schemas, examples: dict[str, Any], policies: list[str]) -> Schema:
    route = operation.route
    said: Schema = {"operationId": operation.name, "tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        said["description"] = operation.description
    if route.public:
        said["security"] = []
    if taken := parameters(operation, policies):
        said["parameters"] = taken
    if body := request_body(operation):
        said["requestBody"] = body
    answer: Schema = {"schema": schemas.of(operation.answer)}
    if operation.name in examples["answers"]:
        answer["example"] = examples["answers"][operation.name]
    headers = [REQUEST_ID_HEADER, *((USED_HEADER, LIMIT_HEADER, RESET_HEADER) if route.metered else ())]
    success = {"description": "The answer.", "headers": _headers(headers), "content": {_JSON: answer}}
    return said | {"responses": {"200": success} | _refusals(operation, examples["errors"])}


def _refusals(operation: Operation, examples: dict[str, Any]) -> Schema:
    """The errors of an operation by status."""
    by_status: defaultdict[int, list[type[MienError]]] = defaultdict(list)
    for kind in errors_of(operation):
        by_status[ERRORS[kind].status].append(kind)
    return {str(status): _refusal(status, by_status[status], examples) for status in sorted(by_status)}


def _refusal(status: int, kinds: list[type[MienError]], examples: dict[str, Any]) -> Schema:
    codes = [ERRORS[kind].code for kind in kinds]
    answer: Schema = {"schema": reference(f"Error{status}")}
    shown = {code: {"$ref": f"#/components/examples/{code}"} for code in codes if code in examples}
    if shown:
        answer["examples"] = shown
    lines = [f"- `{code}`: {sentence(kind)}" for code, kind in zip(codes, kinds, strict=True)]
    headers = [REQUEST_ID_HEADER, *(("retry-after",) if "rate_limited" in codes else ())]
    return {"description": "\n".join(lines), "headers": _headers(headers), "content": {_JSON: answer}}


def _error_schemas(schemas: Schemas) -> dict[str, Schema]:
    """The error body of each status, with the codes it may have."""
    schemas.of(ErrorBody)
    body, name = schemas.named["Error"], schemas.named.pop("ErrorName")
    by_status: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for kind in {kind: None for operation in OPERATIONS for kind in errors_of(operation)}:
        by_status[ERRORS[kind].status][ERRORS[kind].code] = None
    made = {}
    for status, codes in by_status.items():
        coded = name | {"properties": name["properties"] | {"code": {"type": "string", "enum": list(codes)}}}
        made[f"Error{status}"] = body | {"properties": body["properties"] | {"error": coded}}
    del schemas.named["Error"]
    return made


_HEADERS: Schema = {
    REQUEST_ID_HEADER: {"description": "The id of the request.", "required": True, "schema": {"type": "string"}},
    USED_HEADER: {"description": "Calls of this month, this one among them.", "schema": {"type": "integer"}},
    LIMIT_HEADER: {"description": "The plan's calls a month, or `unlimited`.", "schema": {"type": "string"}},
    RESET_HEADER: {"description": "When the next month begins.", "schema": {"type": "string", "format": "date-time"}},
    "retry-after": {"description": "Seconds, where calls come too fast.", "schema": {"type": "integer"}},
}


def _headers(names: list[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _introduction() -> str:
    rows = [
        f"| {plan.name} | {f'{plan.calls_per_month:,}' if plan.calls_per_month else 'no limit'} "
        f"| {plan.calls_per_second} | {plan.burst} |"
        for plan in PLANS.values()
    ]
    table = "\n".join(rows)
    image = f"at most {MAX_IMAGE_BYTES // 1024**2} MB and {MAX_PIXELS // 1_000_000} megapixels"
    return f"""Your key goes into the header `{KEY_HEADER}`.

An image is a JPEG, PNG or WebP of {image}: a form's file, the body itself, base64 in JSON, or a URL. Boxes and points
are in pixels of the upright image.

A 2xx answer is billed where it says what is used; nothing else is.

| plan | calls a month | a second | burst |
|---|---|---|---|
{table}

Without a key a route may be called {ANONYMOUS.calls_per_second} times a second, by all together."""
