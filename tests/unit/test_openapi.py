"""The OpenAPI document against what it is made of, and against the last released one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from mien import settings
from mien.http.errors import ERRORS
from mien.http.features import FIELDS_OF
from mien.http.routes import PAGES, ROUTES, VERSION_PATH
from mien.openapi.__main__ import PATH, text
from mien.openapi.changes import breaking_changes
from mien.openapi.document import recorded
from mien.openapi.operations import OPERATIONS, errors_of

DESCRIBED = [route for route in ROUTES if route not in PAGES]
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
RELEASED = settings.CHECKOUT / "docs" / "openapi-released.json"


def strict(value: Any) -> Any:
    """Schemas that allow nothing but what they name."""
    if isinstance(value, dict):
        closed = (
            {"additionalProperties": False} if "properties" in value and "additionalProperties" not in value else {}
        )
        return {name: strict(item) for name, item in value.items()} | closed
    return [strict(item) for item in value] if isinstance(value, list) else value


def problems(schema: dict[str, Any], instance: Any) -> list[str]:
    whole = strict(schema) | {"components": {"schemas": strict(DOCUMENT["components"]["schemas"])}}
    return [error.message for error in Draft202012Validator(whole).iter_errors(instance)]


def test_the_committed_document_is_what_the_code_says() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run `make documents`"


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


def test_it_has_every_route_and_no_other() -> None:
    said = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert said == {(route.method, route.path.removeprefix(VERSION_PATH)) for route in DESCRIBED}


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_only_public_routes_need_no_key() -> None:
    for route in DESCRIBED:
        said = DOCUMENT["paths"][route.path.removeprefix(VERSION_PATH)][route.method.lower()]
        assert (said.get("security") == []) == route.public
        assert ("401" in said["responses"]) != route.public


def test_every_error_is_told_of_some_route() -> None:
    told = {ERRORS[kind].code for operation in OPERATIONS for kind in errors_of(operation)}
    # A path or method that is not in the contract is no operation.
    assert told == {entry.code for entry in ERRORS.values()} - {"method_not_allowed"}


def test_what_may_be_missing_of_a_face_is_what_can_be_switched_off() -> None:
    face = DOCUMENT["components"]["schemas"]["Face"]
    assert set(face["properties"]) - set(face["required"]) == set().union(*FIELDS_OF.values())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_example_is_a_whole_answer_and_nothing_else(operation: Any) -> None:
    said = DOCUMENT["paths"][operation.route.path.removeprefix(VERSION_PATH)][operation.route.method.lower()]
    content = said["responses"]["200"]["content"]["application/json"]
    if operation.name == "openapi":
        assert "example" not in content  # it would hold itself
    else:
        assert problems(content["schema"], content["example"]) == []


@pytest.mark.parametrize("code", recorded()["errors"])
def test_an_error_example_is_the_body_of_its_status(code: str) -> None:
    (status,) = {entry.status for entry in ERRORS.values() if entry.code == code}
    schema = DOCUMENT["components"]["schemas"][f"Error{status}"]
    assert problems(schema, recorded()["errors"][code]) == []


def test_nothing_breaks_programs_written_for_the_last_release() -> None:
    assert breaking_changes(json.loads(RELEASED.read_text(encoding="utf-8")), DOCUMENT) == []


Edit = Callable[[dict[str, Any]], Any]


def operation(document: dict[str, Any], path: str = "/face_analytics", method: str = "post") -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method]
    return found


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def parameter(document: dict[str, Any], name: str = "max_faces") -> dict[str, Any]:
    (found,) = [each for each in operation(document)["parameters"] if each["name"] == name]
    return found


def form(document: dict[str, Any]) -> dict[str, Any]:
    return schema(document, "FaceImageForm")


BREAKING: dict[str, Edit] = {
    "POST /face_analytics is gone": lambda d: d["paths"].pop("/face_analytics"),
    "GET /health needs a key": lambda d: operation(d, "/health", "get").pop("security"),
    "does not take max_faces": lambda d: operation(d)["parameters"].remove(parameter(d)),
    "needs max_faces": lambda d: parameter(d).update(required=True),
    "max_faces has maximum 1000, against 10": lambda d: parameter(d)["schema"].update(maximum=10),
    "another default of max_faces": lambda d: parameter(d)["schema"].update(default=5),
    "match_policy may be fmr_1e-2": lambda d: operation(d, "/face_recognition/validate_faces")["parameters"][0][
        "schema"
    ]["enum"].remove("fmr_1e-2"),
    "does not take image/webp": lambda d: operation(d)["requestBody"]["content"].pop("image/webp"),
    "always needs it": lambda d: (form(d)["required"].append("consent"), form(d)["properties"].update(consent={})),
    "multipart/form-data has no face_image": lambda d: form(d)["properties"].pop("face_image"),
    "application/json has no task": lambda d: schema(d, "UploadInJson")["properties"].pop("task"),
    "has no age": lambda d: schema(d, "Face")["properties"].pop("age"),
    "does not always have pose": lambda d: schema(d, "Face")["required"].remove("pose"),
    "gender may be unknown": lambda d: schema(d, "Face")["properties"]["gender"]["enum"].append("unknown"),
    "latency_ms is string": lambda d: schema(d, "FaceEnvelope")["properties"]["latency_ms"].update(type="string"),
    "age_range.low is integer or null or number": lambda d: schema(d, "AgeRange")["properties"]["low"].update(
        type=["number", "null"]
    ),
    "has no header x-usage-used": lambda d: operation(d)["responses"]["200"]["headers"].pop("x-usage-used"),
    "is called analyse": lambda d: operation(d).update(operationId="analyse"),
    "does not answer application/json": lambda d: operation(d)["responses"]["200"]["content"].clear(),
    "is object, not array": lambda d: operation(d, "/emotion-detection")["responses"]["200"]["content"][
        "application/json"
    ].update(schema={"type": "object"}),
}


@pytest.mark.parametrize("said", BREAKING)
def test_a_breaking_change_is_told(said: str) -> None:
    newer = copy.deepcopy(DOCUMENT)
    BREAKING[said](newer)
    assert any(said in change for change in breaking_changes(DOCUMENT, newer))


COMPATIBLE: dict[str, Edit] = {
    "a path more": lambda d: d["paths"].update({"/more": d["paths"]["/usage"]}),
    "a field more in an answer": lambda d: (
        schema(d, "Face")["properties"].update(glasses={"type": "boolean"}),
        schema(d, "Face")["required"].append("glasses"),
    ),
    "an optional field more in a form": lambda d: form(d)["properties"].update(note={"type": "string"}),
    "an optional parameter more": lambda d: operation(d)["parameters"].append(
        {"name": "sort", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "a wider range": lambda d: parameter(d)["schema"].update(maximum=5000),
    "a content type more": lambda d: operation(d)["requestBody"]["content"].update({"image/avif": {"schema": {}}}),
    "an error more": lambda d: schema(d, "Error422")["properties"]["error"]["properties"]["code"]["enum"].append("new"),
    "a header more": lambda d: operation(d)["responses"]["200"]["headers"].update({"x-model": {}}),
    "other words": lambda d: operation(d).update(summary="Look at a photo"),
}


@pytest.mark.parametrize("change", COMPATIBLE)
def test_a_compatible_change_is_not(change: str) -> None:
    newer = copy.deepcopy(DOCUMENT)
    COMPATIBLE[change](newer)
    assert newer != DOCUMENT
    assert breaking_changes(DOCUMENT, newer) == []
