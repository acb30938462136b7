"""/emotion-detection as SmartClick's clients know it, behind real proxy events."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from mien.domain.faces import Sentiment
from mien.http.routes import EMOTION_DETECTION, FACE_ANALYTICS
from mien.local.environment import LocalContext
from mien.local.events import HttpRequest, proxy_event
from tests.events import ACTIVE, form_event
from tests.web_server import Play, WebServer, endless, redirect
from tests.web_server import answer as web_answer


@pytest.fixture(scope="module")
def emotion(load_handler: Callable[..., ModuleType]) -> ModuleType:
    return load_handler("emotion")


def answer(emotion: ModuleType, event: dict[str, Any]) -> tuple[int, Any]:
    response = emotion.lambda_handler(event, LocalContext("emotion", "r"))
    return response["statusCode"], json.loads(response["body"])


def body_event(body: bytes, content_type: str) -> dict[str, Any]:
    headers = (("content-type", content_type),)
    request = HttpRequest("r", "POST", EMOTION_DETECTION.url_path, "", headers, body, "127.0.0.1")
    return proxy_event(request, EMOTION_DETECTION, ACTIVE)


def test_the_answer_is_a_bare_array_of_smartclicks_items(emotion: ModuleType, photo) -> None:
    status, body = answer(emotion, form_event(EMOTION_DETECTION, photo("astronaut"), field="image"))
    assert status == 200
    (item,) = body
    assert item.keys() == {"probability", "rectangle", "emotion"}
    assert item["rectangle"].keys() == {"left", "top", "right", "bottom"}
    assert item["emotion"].keys() == {"value", "probability", "sentiments"}
    assert set(item["emotion"]["sentiments"]) == {word.value for word in Sentiment}
    assert sum(item["emotion"]["sentiments"].values()) == pytest.approx(1, abs=1e-5)
    assert item["emotion"]["value"] == "happy"
    assert item["emotion"]["probability"] == item["emotion"]["sentiments"]["happy"] > 0.9
    assert 0 <= item["rectangle"]["left"] < item["rectangle"]["right"] <= 512
    assert isinstance(item["rectangle"]["left"], float)


def test_no_face_is_an_empty_array(emotion: ModuleType, photo) -> None:
    assert answer(emotion, form_event(EMOTION_DETECTION, photo("coffee"), field="image")) == (200, [])


def test_everyone_in_a_group_is_an_item_largest_first(emotion: ModuleType, six_people_jpeg: bytes) -> None:
    _, body = answer(emotion, form_event(EMOTION_DETECTION, six_people_jpeg, field="image"))
    heights = [item["rectangle"]["bottom"] - item["rectangle"]["top"] for item in body]
    assert len(heights) == 6
    assert heights == sorted(heights, reverse=True)


def test_it_says_what_face_analytics_says(emotion: ModuleType, load_handler: Any, photo) -> None:
    analytics = load_handler("analytics")
    (item,) = answer(emotion, form_event(EMOTION_DETECTION, photo("obama"), field="image"))[1]
    response = analytics.lambda_handler(form_event(FACE_ANALYTICS, photo("obama")), LocalContext("analytics", "r"))
    (face,) = json.loads(response["body"])["faces"]
    assert item["emotion"] == face["emotion"]
    assert item["probability"] == face["detection_probability"]


def test_an_image_may_come_in_every_way_and_is_answered_alike(emotion: ModuleType, photo) -> None:
    data = photo("obama")
    text = base64.b64encode(data).decode()
    events = [
        form_event(EMOTION_DETECTION, data, field="image"),
        body_event(data, "image/jpeg"),
        body_event(data, "image/png"),  # what it is, its bytes tell
        body_event(json.dumps({"image": text}).encode(), "application/json"),
        body_event(json.dumps({"image": f"data:image/jpeg;base64,{text}"}).encode(), "application/json; charset=utf-8"),
        body_event(json.dumps({"face_image": text, "note": "x"}).encode(), "application/json"),
    ]
    answers = [answer(emotion, event) for event in events]
    assert answers[0][0] == 200
    assert all(each == answers[0] for each in answers)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "image/jpeg", 422, "missing_field"),
        (b"text", "image/jpeg", 415, "unsupported_image"),
        (b"{", "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 400, "malformed_request"),
        (b"[" * 100_000, "application/json", 400, "malformed_request"),
        (b"{}", "application/json", 422, "missing_field"),
        (b'{"image": 5}', "application/json", 422, "invalid_parameter"),
        (b'{"image": ""}', "application/json", 422, "missing_field"),
        (b'{"image": "%%%"}', "application/json", 422, "invalid_parameter"),
        (b'{"image": "data:image/png,abc"}', "application/json", 422, "invalid_parameter"),
        (b'{"image": "aGVsbG8="}', "application/json", 415, "unsupported_image"),
        (b'{"url": 5}', "application/json", 422, "invalid_parameter"),
        (b'{"url": ""}', "application/json", 422, "missing_field"),
        (b'{"url": "photo.jpg"}', "application/json", 422, "url_not_allowed"),
        (b'{"url": "http://example.com/a.jpg"}', "application/json", 422, "url_not_allowed"),
        (b'{"image": "http://example.com/a.jpg"}', "application/json", 422, "url_not_allowed"),
        (b'{"url": "https://127.0.0.1/a.jpg"}', "application/json", 422, "url_not_allowed"),
        (b"hello", "text/plain", 422, "missing_field"),
    ],
)
def test_what_is_no_image_is_told_clearly(emotion: ModuleType, body: bytes, kind: str, status: int, code: str) -> None:
    said, error = answer(emotion, body_event(body, kind))
    assert (said, error["error"]["code"]) == (status, code)


@pytest.fixture
def web(emotion: ModuleType, web_server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The web, as this handler sees it."""
    web_server.reset(web_answer(b"image"))
    monkeypatch.setattr(emotion.app, "images", web_server.source(10))
    return web_server


def test_an_image_may_be_somewhere_on_the_web(emotion: ModuleType, web: WebServer, photo) -> None:
    web.play = web_answer(photo("obama"))
    sent = answer(emotion, form_event(EMOTION_DETECTION, photo("obama"), field="image"))
    for name in ("url", "image", "face_image"):
        body = json.dumps({name: "https://photos.example/obama.jpg"}).encode()
        assert answer(emotion, body_event(body, "application/json")) == sent
    assert len(web.requests) == 3


@pytest.mark.parametrize(
    ("play", "status", "code"),
    [
        (web_answer(b"a page"), 415, "unsupported_image"),
        (web_answer(b""), 415, "unsupported_image"),
        (web_answer(b"", "404 Not Found"), 422, "url_not_fetched"),
        (redirect("https://169.254.169.254/"), 422, "url_not_allowed"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)), 413, "image_too_large"),
    ],
)
def test_what_comes_of_a_url_is_told_clearly(
    emotion: ModuleType, web: WebServer, play: Play, status: int, code: str
) -> None:
    web.play = play
    said, error = answer(emotion, body_event(b'{"url": "https://photos.example/a.jpg"}', "application/json"))
    assert (said, error["error"]["code"]) == (status, code)


def test_a_deployment_may_fetch_nothing(load_handler: Callable[..., ModuleType], photo) -> None:
    emotion = load_handler("emotion", MIEN_URL_FETCH="off")
    status, error = answer(emotion, body_event(b'{"url": "https://photos.example/a.jpg"}', "application/json"))
    assert (status, error["error"]["code"]) == (501, "not_implemented")
    assert answer(emotion, body_event(photo("coffee"), "image/jpeg")) == (200, [])


def test_without_emotion_nothing_would_be_left(emotion: ModuleType, photo) -> None:
    event = form_event(EMOTION_DETECTION, photo("obama"), field="image", authorizer=ACTIVE | {"without": "emotion"})
    status, body = answer(emotion, event)
    assert (status, body["error"]["code"]) == (403, "feature_disabled")
