"""What a call leaves behind: one log line and metrics, and nothing of the photo or the key."""

from __future__ import annotations

import base64
import json
from types import ModuleType
from typing import Any

import pytest

from mien.http.routes import FACE_ANALYTICS, RECOGNIZE_FACE
from mien.local.environment import LocalContext
from tests.events import files_event, form_event


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The EMF blobs that a call printed."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")

    def blobs() -> list[dict[str, Any]]:
        lines = capsys.readouterr().out.splitlines()
        return [blob for blob in map(json.loads, lines) if "_aws" in blob]

    return blobs


def names(blob: dict[str, Any]) -> set[str]:
    return {metric["Name"] for directive in blob["_aws"]["CloudWatchMetrics"] for metric in directive["Metrics"]}


def test_a_call_is_measured_by_stage(recognition: ModuleType, photo, written: Any) -> None:
    event = files_event(RECOGNIZE_FACE, {"face_image": photo("obama")})
    recognition.lambda_handler(event, LocalContext("recognition", "r"))
    (blob,) = written()
    assert blob["endpoint"] == "recognize_face"
    assert names(blob) >= {"Latency", "Latency.decode", "Latency.detect", "Latency.describe", "Latency.embed", "Faces"}
    assert blob["Faces"] == [1.0]
    parts = [blob[f"Latency.{stage}"][0] for stage in ("decode", "detect", "describe", "embed", "search")]
    assert 0.8 * blob["Latency"][0] < sum(parts) < blob["Latency"][0]


def test_only_the_first_call_of_a_function_is_a_cold_start(load_handler: Any, photo, written: Any) -> None:
    handler = load_handler("analytics").lambda_handler
    for _ in range(2):
        handler(form_event(FACE_ANALYTICS, photo("coffee")), LocalContext("analytics", "r"))
    first, second = written()
    assert "ColdStarts" in names(first)
    assert "ColdStarts" not in names(second)


def test_refusals_are_counted_by_code(load_handler: Any, written: Any) -> None:
    handler = load_handler("analytics").lambda_handler
    handler(form_event(FACE_ANALYTICS, b"text"), LocalContext("analytics", "r"))
    (rejects,) = (blob for blob in written() if "Rejects" in blob)
    assert (rejects["code"], rejects["Rejects"]) == ("unsupported_image", [1.0])


def test_neither_photo_nor_answer_is_written(
    load_handler: Any, photo, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    event = form_event(FACE_ANALYTICS, photo("obama"))
    load_handler("analytics").lambda_handler(event, LocalContext("analytics", "r"))
    text = caplog.text + capsys.readouterr().out + "".join(str(record.__dict__) for record in caplog.records)
    assert base64.b64encode(photo("obama"))[2000:2060].decode() not in text
    assert "bounding_box" not in text
    (line,) = (record for record in caplog.records if record.message == "call")
    assert line.__dict__["endpoint"] == "face_analytics"
    assert line.__dict__["key_id"] == "key-1"
