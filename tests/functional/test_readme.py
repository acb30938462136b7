"""What the README shows is what happens."""

from __future__ import annotations

import json
import re
from typing import Any

from functions.analytics import handler as analytics
from mien import settings
from mien.http.routes import FACE_ANALYTICS
from tests.alike import assert_alike
from tests.events import call, form_event

README = (settings.CHECKOUT / "README.md").read_text(encoding="utf-8")


def json_after(marker: str) -> Any:
    block = re.search(re.escape(marker) + r".*?```json\n(.*?)```", README, re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def test_the_answer_shown_is_the_answer_given(photo) -> None:
    status, real = call(analytics.lambda_handler, form_event(FACE_ANALYTICS, photo("astronaut")))
    assert status == 200
    assert_alike(json_after("The answer"), real)


def test_the_error_shown_is_the_error_given() -> None:
    _, real = call(analytics.lambda_handler, form_event(FACE_ANALYTICS, b"some text"))
    shown = json_after("is said in one body everywhere")
    assert shown["error"]["code"] == real["error"]["code"]
    assert {key: shown[key] for key in ("status", "message", "detail")} == {
        key: real[key] for key in ("status", "message", "detail")
    }
