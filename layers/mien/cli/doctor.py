"""`mien doctor`: call every endpoint of a deployment with a real photo, and say what works and how fast."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import click
import requests
from rich.console import Console
from rich.table import Table

from mien import settings
from mien.http.routes import (
    COLLECTION,
    DELETE_FACE,
    EMOTION_DETECTION,
    FACE_ANALYTICS,
    FACE_LIVENESS,
    FIND_UPLOAD,
    HEALTH,
    MODELS,
    OPEN_UPLOAD,
    OPENAPI,
    PAGES,
    PLAYGROUND,
    RECOGNIZE_FACE,
    REFERENCE,
    REGISTER_FACE,
    STAGE,
    UPDATE_FACE,
    USAGE,
    VALIDATE_FACES,
    VIEW_DB,
    Route,
)
from mien.http.wire import KEY_HEADER, REQUEST_ID_HEADER, UID_HEADER

SECONDS = 40
WARM_CALLS = 3
COLLECTION_NAME = "mien-doctor"

PHOTO = settings.CHECKOUT / "docs" / "photos" / "obama.jpg"
DEMO_KEY = settings.local_database().with_name("demo-key")


@dataclass(frozen=True)
class Check:
    """A call, and what a sound deployment answers. `repeat` is False where a second call means something else."""

    route: Route
    status: int = 200
    answer: Callable[[Any], bool] = lambda body: body.get("status") == "success"
    query: str = ""
    keyed: bool = True
    repeat: bool = True
    json: dict[str, object] | None = None


@dataclass(frozen=True)
class Finding:
    """What came of a check."""

    name: str
    problem: str
    first_ms: float
    warm_ms: float | None


def _one_face(body: dict[str, object]) -> bool:
    return body.get("face_count") == 1


def _is_pending(body: dict[str, object]) -> bool:
    return body.get("status") == "pending"


def _is_error(code: str) -> Callable[[Any], bool]:
    def check(body: dict[str, object]) -> bool:
        error = body.get("error")
        return body.get("status") == "error" and isinstance(error, dict) and error.get("code") == code

    return check


def _is_page(text: str) -> bool:
    return text.startswith("<!doctype html>") and "Mien" in text


_IN_COLLECTION = f"{COLLECTION}={COLLECTION_NAME}"
_NO_LIVENESS = f"{_IN_COLLECTION}&min_liveness=0"
CHECKS = (
    Check(FACE_ANALYTICS, answer=_one_face),
    Check(FACE_LIVENESS, answer=_one_face),
    Check(EMOTION_DETECTION, answer=lambda body: isinstance(body, list) and len(body) == 1),
    Check(REGISTER_FACE, query=_NO_LIVENESS, repeat=False),
    Check(UPDATE_FACE, query=_NO_LIVENESS),
    Check(RECOGNIZE_FACE, answer=_one_face, query=_IN_COLLECTION),
    Check(VALIDATE_FACES, answer=lambda body: body.get("match_result") is True),
    Check(VIEW_DB, query=_IN_COLLECTION),
    Check(DELETE_FACE, query=_IN_COLLECTION, repeat=False),
    Check(OPEN_UPLOAD, answer=_is_pending, json={"content_type": "image/jpeg", "bytes": 1}),
    Check(FIND_UPLOAD, status=404, answer=_is_error("not_found")),
    Check(USAGE),
    Check(MODELS, answer=lambda body: len(body.get("models", ())) > 0),
    Check(HEALTH, keyed=False),
    Check(OPENAPI, answer=lambda body: str(body.get("openapi")).startswith("3.1."), keyed=False),
    Check(PLAYGROUND, answer=_is_page, keyed=False),
    Check(REFERENCE, answer=_is_page, keyed=False),
    Check(FACE_ANALYTICS, status=401, answer=_is_error("invalid_api_key"), keyed=False),
    Check(Route("GET", "/v1/no-such-thing", "account"), status=404, answer=_is_error("not_found")),
)


@click.command()
@click.argument("url")
@click.option("--key", envvar="MIEN_KEY", help="The secret of an API key; $MIEN_KEY, or else the local server's.")
@click.option("--photo", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=PHOTO)
def doctor(url: str, key: str | None, photo: Path) -> None:
    """Call every endpoint of the deployment at URL with a photo of one person.

    URL is without the stage's path, as http://127.0.0.1:8000 or https://….amazonaws.com. About 30 billed calls, in a
    collection of their own that is emptied again. Exits with 1 when something is not as it should be.
    """
    secret, root = key or demo_key(), root_of(url)
    findings = list(_examine(root, secret, photo.read_bytes()))
    _print(findings)
    sys.exit(1 if any(finding.problem for finding in findings) else 0)


def demo_key() -> str:
    """The secret of the local server's own key, or nothing."""
    return DEMO_KEY.read_text(encoding="utf-8").strip() if DEMO_KEY.exists() else ""


def root_of(url: str) -> str:
    """A deployment's url without the stage's path."""
    return url.rstrip("/").removesuffix(f"/{STAGE}")


def _examine(root: str, secret: str, photo: bytes) -> Iterator[Finding]:
    uid = f"doctor-{secrets.token_hex(4)}"
    with requests.Session() as session:
        for check in CHECKS:
            name = f"{check.route.method} {check.route.url_path}" + ("" if check.keyed else ", no key")
            headers = {UID_HEADER: uid} | ({KEY_HEADER: secret} if check.keyed else {})
            problem, first = _call(session, root, check, headers, photo)
            warm = None
            if not problem and check.repeat:
                warm = median(_call(session, root, check, headers, photo)[1] for _ in range(WARM_CALLS))
            yield Finding(name, problem, first, warm)


def _call(
    session: requests.Session, root: str, check: Check, headers: dict[str, str], photo: bytes
) -> tuple[str, float]:
    """What is wrong with the answer, or nothing, and how many milliseconds it took."""
    files = dict.fromkeys(check.route.images, ("photo.jpg", photo, "image/jpeg"))
    target = f"{root}{check.route.url_path}?{check.query}"
    start = perf_counter()
    try:
        answer = session.request(
            check.route.method, target, headers=headers, files=files or None, json=check.json, timeout=SECONDS
        )
    except requests.RequestException as error:
        return type(error).__name__, (perf_counter() - start) * 1000
    took = (perf_counter() - start) * 1000
    return _problem(answer, check), took


def _problem(answer: requests.Response, check: Check) -> str:
    try:
        body = answer.text if check.route in PAGES else answer.json()
    except requests.JSONDecodeError:
        return f"{answer.status_code}, not JSON"
    if answer.status_code != check.status:
        said = body.get("message", "") if isinstance(body, dict) else ""
        return f"{answer.status_code} for {check.status}: {said}"
    if not check.answer(body):
        return "another answer than the contract's"
    return "" if REQUEST_ID_HEADER in answer.headers else f"no {REQUEST_ID_HEADER}"


def _print(findings: list[Finding]) -> None:
    table = Table("endpoint", "works", "first ms", "then ms")
    for finding in findings:
        warm = "" if finding.warm_ms is None else f"{finding.warm_ms:.0f}"
        works = f"[red]{finding.problem}[/red]" if finding.problem else "[green]yes[/green]"
        table.add_row(finding.name, works, f"{finding.first_ms:.0f}", warm)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
