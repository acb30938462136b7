"""Calls counted, refused and reported: the real handlers on a real store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mien import settings
from mien.adapters.sqlite_meter import SqliteMeter
from mien.domain.usage import month_of
from mien.http.routes import (
    DELETE_FACE,
    FACE_ANALYTICS,
    FACE_LIVENESS,
    RECOGNIZE_FACE,
    REGISTER_FACE,
    USAGE,
    VALIDATE_FACES,
    VIEW_DB,
)
from mien.local.environment import LocalContext
from mien.ports.clock import utc_now
from tests.events import ACTIVE, call, files_event, form_event

FREE = ACTIVE | {"plan": "free"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("usage") / "mien.sqlite"


@pytest.fixture(scope="module")
def load(load_handler: Callable[..., ModuleType], store: Path) -> Callable[[str], ModuleType]:
    address = f"sqlite:{store}"
    return lambda name: load_handler(name, MIEN_METER=address, MIEN_GALLERY=address, MIEN_UPLOAD_LOG=address)


@pytest.fixture(scope="module")
def analytics(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("analytics")


@pytest.fixture(scope="module")
def account(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("account")


def usage(account: ModuleType, key_id: str, query: str = "") -> dict[str, Any]:
    status, body = call(account.lambda_handler, files_event(USAGE, {}, query, FREE | {"key_id": key_id}))
    assert status == 200
    return body


def test_of_two_hundred_calls_at_once_on_a_plan_of_a_hundred_exactly_a_hundred_pass(
    load: Callable[[str], ModuleType], account: ModuleType, photo
) -> None:
    handlers = [load("analytics") for _ in range(4)]
    event = form_event(FACE_ANALYTICS, photo("coffee"), authorizer=FREE | {"key_id": "racing"})

    def fifty(handler: ModuleType) -> list[int]:
        context = LocalContext("analytics", "r")
        return [handler.lambda_handler(event, context)["statusCode"] for _ in range(50)]

    with ThreadPoolExecutor(len(handlers)) as pool:
        statuses = [status for part in pool.map(fifty, handlers) for status in part]
    assert sorted(statuses) == [200] * 100 + [429] * 100
    assert usage(account, "racing")["used"] == 100
    status, body = call(handlers[0].lambda_handler, event)
    assert status == 429
    assert body["detail"] == {"error": "quota_exceeded", "message": body["message"], "used": 100, "limit": 100}
    assert body["error"]["code"] == "quota_exceeded"


def test_failed_calls_are_not_billed(analytics: ModuleType, account: ModuleType, photo) -> None:
    me = FREE | {"key_id": "unlucky"}
    for image, query in ((b"text", ""), (None, ""), (photo("obama")[:3000], ""), (photo("obama"), "max_faces=0")):
        status, _ = call(analytics.lambda_handler, form_event(FACE_ANALYTICS, image, query, authorizer=me))
        assert status >= 400
    assert usage(account, "unlucky")["used"] == 0
    assert call(analytics.lambda_handler, form_event(FACE_LIVENESS, photo("obama"), authorizer=me))[0] == 200
    body = usage(account, "unlucky")
    assert body["used"] == 1
    assert body["endpoints"] == {"face_liveness": 1}


def test_usage_names_plan_month_limit_and_cost(analytics: ModuleType, account: ModuleType, photo) -> None:
    me = FREE | {"key_id": "reader"}
    call(analytics.lambda_handler, form_event(FACE_ANALYTICS, photo("coffee"), authorizer=me))
    body = usage(account, "reader")
    assert body.keys() == {
        "status", "key_id", "plan", "month", "used", "limit", "resets_at", "endpoints", "estimated_cost_usd",
    }  # fmt: skip
    assert (body["plan"], body["used"], body["limit"]) == ("free", 1, 100)
    assert 0 < body["estimated_cost_usd"] < 0.001
    assert usage(account, "reader", "month=2020-01")["used"] == 0
    for query in ("month=2026", "month=2026-13", "months=2026-11", "month=2026-11&month=2026-12"):
        event = files_event(USAGE, {}, query, me)
        assert call(account.lambda_handler, event)[1]["error"]["code"] == "invalid_parameter"


def test_headers_say_what_is_used(analytics: ModuleType, photo) -> None:
    event = form_event(FACE_ANALYTICS, photo("coffee"), authorizer=FREE | {"key_id": "counting"})
    headers = analytics.lambda_handler(event, LocalContext("analytics", "r"))["multiValueHeaders"]
    assert headers["x-usage-used"] == ["1"]
    assert headers["x-usage-limit"] == ["100"]
    assert headers["x-usage-reset"][0].endswith("-01T00:00:00Z")


def test_whoever_has_no_calls_left_can_still_look_and_delete(
    load: Callable[[str], ModuleType], store: Path, photo
) -> None:
    recognition, me = load("recognition"), FREE | {"key_id": "spent", "tenant": "spent"}
    event = files_event(REGISTER_FACE, {"face_image": photo("obama")}, "", me, {"x-face-uid": "barack"})
    assert call(recognition.lambda_handler, event)[0] == 200
    meter = SqliteMeter(store)
    month = month_of(utc_now())
    while meter.take("spent", month, "face_analytics", 100):
        pass
    meter.close()
    assert call(recognition.lambda_handler, event)[0] == 429
    assert call(recognition.lambda_handler, files_event(VIEW_DB, {}, "", me))[1]["num_of_faces"] == 1
    gone = files_event(DELETE_FACE, {}, "", me, {"x-face-uid": "barack"})
    assert call(recognition.lambda_handler, gone)[0] == 200


def test_a_switched_off_feature_leaves_its_fields_out(analytics: ModuleType, photo) -> None:
    me = ACTIVE | {"without": "age emotion gender"}
    _, body = call(analytics.lambda_handler, form_event(FACE_ANALYTICS, photo("obama"), authorizer=me))
    (face,) = body["faces"]
    assert not face.keys() & {
        "age", "age_range", "may_be_minor", "gender", "gender_probability",
        "emotion", "expression", "expression_probability",
    }  # fmt: skip
    assert face.keys() >= {"bounding_box", "passive_liveness", "pose", "quality"}


def test_where_nothing_would_be_left_the_call_is_refused_and_not_billed(
    load: Callable[[str], ModuleType], account: ModuleType, photo
) -> None:
    recognition = load("recognition")
    me = ACTIVE | {"key_id": "no-names", "tenant": "no-names", "without": "identification"}
    for route in (REGISTER_FACE, RECOGNIZE_FACE):
        event = files_event(route, {"face_image": photo("obama")}, "", me, {"x-face-uid": "a"})
        status, body = call(recognition.lambda_handler, event)
        assert (status, body["error"]["code"]) == (403, "feature_disabled")
    assert usage(account, "no-names")["used"] == 0
    pair = files_event(VALIDATE_FACES, {"image1": photo("obama"), "image2": photo("obama2")}, "", me)
    assert call(recognition.lambda_handler, pair)[0] == 200


def test_a_function_that_stores_nothing_but_counts_loads_no_numbers(tmp_path: Path) -> None:
    """In a process of its own: this one has everything loaded."""
    address = f"sqlite:{tmp_path / 'mien.sqlite'}"
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print([m for m in ('numpy', 'cv2', 'onnxruntime', 'boto3') if m in sys.modules])"
    )
    for name in ("account", "authorizer"):
        handler = settings.CHECKOUT / "functions" / name / "handler.py"
        stores = dict.fromkeys((settings.METER, settings.KEY_STORE, settings.UPLOAD_LOG), address)
        environment = stores | {settings.PHOTOS: f"folder:{tmp_path}", "PATH": ""}
        command = [sys.executable, "-c", code, str(handler)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
