"""Ask a server of its own every question once, for the OpenAPI document's examples. `python -m bench.examples`.

The photos are those of docs/photos. Writes layers/mien/openapi/examples.json: answers by the name of their operation,
errors by code.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench.server import Server, start, stop
from mien import settings
from mien.http import routes
from mien.http.routes import Route
from mien.http.wire import UID_HEADER
from mien.openapi import document
from mien.openapi.operations import OPERATIONS

PATH = Path(document.__file__).with_name(document.EXAMPLES_NAME)
PHOTOS = settings.CHECKOUT / "docs" / "photos"

NAMES = {operation.route: operation.name for operation in OPERATIONS}

UPLOAD_SECONDS = 60

ENROL = {"params": {"min_liveness": 0}, "headers": {UID_HEADER: "barack"}}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        examples = {"answers": dict(answers(server)), "errors": dict(errors(server))}
    PATH.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def running(state: Path) -> Iterator[Server]:
    """A server with an empty state."""
    server = start(state, settings.CHECKOUT / "functions")
    try:
        yield server
    finally:
        stop(server)


def answers(server: Server) -> Iterator[tuple[str, Any]]:
    """A good answer of every operation but the document's own, by its name."""
    for route, options in (
        (routes.HEALTH, {}),
        (routes.MODELS, {}),
        (routes.FACE_ANALYTICS, photos("astronaut")),
        (routes.FACE_LIVENESS, photos("astronaut")),
        (routes.EMOTION_DETECTION, photos("astronaut", fields=("image",))),
        (routes.VALIDATE_FACES, photos("obama", "obama2", fields=("image1", "image2"))),
        (routes.REGISTER_FACE, photos("obama", "coffee") | ENROL),
        (routes.RECOGNIZE_FACE, photos("obama2")),
        (routes.UPDATE_FACE, photos("obama", "obama3") | ENROL),
        (routes.VIEW_DB, {}),
        (routes.DELETE_FACE, {"headers": ENROL["headers"]}),
        (routes.USAGE, {}),
    ):
        answer = ask(server, route, **options)
        answer.raise_for_status()
        body = answer.json()
        if route is routes.MODELS:
            body["models"] = [body["models"][0] | {"accuracy": body["models"][0]["accuracy"][:2]}]
        yield NAMES[route], body
    yield from uploads(server)


def uploads(server: Server) -> Iterator[tuple[str, Any]]:
    """The answers about a photo that is uploaded."""
    photo = (PHOTOS / "obama.jpg").read_bytes()
    opened = ask(server, routes.OPEN_UPLOAD, json={"content_type": "image/jpeg", "bytes": len(photo)}).json()
    yield NAMES[routes.OPEN_UPLOAD], opened
    posted = requests.post(opened["url"], data=opened["fields"], files={"file": photo}, timeout=60)
    posted.raise_for_status()
    deadline = time.monotonic() + UPLOAD_SECONDS
    while (found := ask(server, routes.FIND_UPLOAD, id=opened["id"]).json())["status"] == "pending":
        if time.monotonic() > deadline:
            raise TimeoutError("The upload is still pending.")
        time.sleep(0.1)
    yield NAMES[routes.FIND_UPLOAD], found


def errors(server: Server) -> Iterator[tuple[str, Any]]:
    """Refusals, by code."""
    good, enrolled = photos("obama"), {"headers": ENROL["headers"]}
    ask(server, routes.REGISTER_FACE, **photos("obama"), **ENROL)
    broken = {"files": {"face_image": (PHOTOS / "obama.jpg").read_bytes()[:-1000]}}
    url = {"json": {"url": "http://example.com/photo.jpg"}}
    for route, options in (
        (routes.FACE_ANALYTICS, good | {"headers": {"x-key-secret": "nobody's"}}),
        (routes.FACE_ANALYTICS, {"data": b"{", "headers": {"content-type": "application/json"}}),
        (routes.FACE_ANALYTICS, good | {"params": {"max_faces": 0}}),
        (routes.FACE_ANALYTICS, {}),
        (routes.FACE_ANALYTICS, {"files": {"face_image": b"This is no photo."}}),
        (routes.FACE_ANALYTICS, broken),
        (routes.FACE_ANALYTICS, {"files": {"face_image": bytes(5 * 1024**2)}}),
        (routes.FACE_ANALYTICS, url),
        (routes.VALIDATE_FACES, photos("obama", "coffee", fields=("image1", "image2"))),
        (routes.REGISTER_FACE, photos("obama") | ENROL),
        (routes.REGISTER_FACE, photos("obama") | {"params": {"min_liveness": 1}, "headers": {UID_HEADER: "b"}}),
        (routes.DELETE_FACE, {"headers": {UID_HEADER: "nobody"}}),
    ):
        body = ask(server, route, **options).json()
        yield body["error"]["code"], body
    ask(server, routes.DELETE_FACE, **enrolled)


def photos(*names: str, fields: tuple[str, ...] = ("face_image", "additional_face_image_0")) -> dict[str, Any]:
    """A form with example photos."""
    return {"files": {field: (PHOTOS / f"{name}.jpg").read_bytes() for field, name in zip(fields, names, strict=False)}}


def ask(server: Server, route: Route, **options: Any) -> requests.Response:
    """Call a route with the demo key, or what else `headers` say."""
    headers = {"x-key-secret": server.key} | options.pop("headers", {})
    url = server.url + route.url_path.format(id=options.pop("id", ""))
    return requests.request(route.method, url, headers=headers, timeout=60, **options)


if __name__ == "__main__":
    main()
