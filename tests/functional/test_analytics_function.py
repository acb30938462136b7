"""The analytics handler, behind real proxy events, on real photos with real models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image as Pillow

from functions.analytics import handler as analytics
from mien.domain.faces import Expression, Sentiment
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.routes import FACE_ANALYTICS, FACE_LIVENESS, Route
from tests.conftest import saved
from tests.events import ACTIVE, call, form_event

BOTH = pytest.mark.parametrize("route", [FACE_ANALYTICS, FACE_LIVENESS], ids=lambda route: route.path)


def post(route: Route, image: bytes | None, query: str = "", **options: Any) -> tuple[int, dict[str, Any]]:
    return call(analytics.lambda_handler, form_event(route, image, query, **options))


def error(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    status, body = answer
    assert body["status"] == "error"
    assert body["message"] == body["detail"]
    assert body["error"]["request_id"] == "request-1"
    return status, body["error"]["code"]


@BOTH
def test_the_envelope_and_a_face_have_every_field_of_the_contract(route: Route, photo) -> None:
    status, body = post(route, photo("astronaut"))
    assert status == 200
    assert body.keys() == {"status", "face_count", "faces", "image", "latency_ms", "request_id"}
    assert (body["status"], body["face_count"], body["request_id"]) == ("success", 1, "request-1")
    assert body["image"] == {"width": 512, "height": 512}
    assert body["latency_ms"] > 0
    (face,) = body["faces"]
    usual = {
        "bounding_box", "bbox", "detection_probability", "age", "age_range", "may_be_minor",
        "gender", "gender_probability", "expression", "expression_probability", "emotion", "passive_liveness",
        "landmarks", "pose", "quality",
    }  # fmt: skip
    extra = {"is_real_face", "liveness_confidence", "liveness_status"} if route is FACE_LIVENESS else set()
    assert face.keys() == usual | extra
    x1, y1, x2, y2 = face["bounding_box"]
    assert all(type(value) is int for value in face["bounding_box"])
    assert 0 <= x1 < x2 <= 512
    assert 0 <= y1 < y2 <= 512
    assert face["bbox"] == pytest.approx({"x1": x1 / 512, "y1": y1 / 512, "x2": x2 / 512, "y2": y2 / 512}, abs=1e-5)
    assert face["age_range"]["low"] <= face["age"] <= face["age_range"]["high"]
    assert face["gender"] in {"female", "male"}
    assert 0.5 <= face["gender_probability"] <= 1
    assert face["expression"] in set(Expression)
    sentiments = face["emotion"]["sentiments"]
    assert list(sentiments) == [word.value for word in Sentiment]
    assert sum(sentiments.values()) == pytest.approx(1, abs=1e-5)
    assert face["emotion"]["probability"] == sentiments[face["emotion"]["value"]] == max(sentiments.values())
    assert face["landmarks"].keys() == {"right_eye", "left_eye", "nose_tip", "right_mouth", "left_mouth"}
    assert face["landmarks"]["right_eye"][0] < face["landmarks"]["left_eye"][0]
    liveness = face["passive_liveness"]
    assert liveness["antispoof_score"] == liveness["liveness_probability"]
    assert face["pose"].keys() == {"yaw", "pitch", "roll"}
    assert face["quality"].keys() == {"score", "sharpness", "brightness", "face_size_px"}


def test_liveness_is_said_in_arsas_words_too(photo) -> None:
    _, body = post(FACE_LIVENESS, photo("obama"))
    (face,) = body["faces"]
    assert face["liveness_confidence"] == face["passive_liveness"]["antispoof_score"]
    assert face["is_real_face"] is face["passive_liveness"]["is_real_face"]
    assert face["liveness_status"] == ("real" if face["is_real_face"] else "spoof")


@BOTH
def test_no_face_is_an_answer(route: Route, photo) -> None:
    status, body = post(route, photo("coffee"))
    assert (status, body["status"], body["face_count"], body["faces"]) == (200, "success", 0, [])


@pytest.mark.parametrize("size", [(16, 16), (20_000, 16), (16, 20_000), (17, 999)])
def test_an_image_of_any_shape_is_answered(size: tuple[int, int]) -> None:
    status, body = post(FACE_ANALYTICS, saved(Pillow.new("RGB", size, "teal"), "PNG"))
    assert (status, body["faces"]) == (200, [])
    assert body["image"] == {"width": size[0], "height": size[1]}


def test_six_people_are_six_faces_largest_first(six_people_jpeg: bytes) -> None:
    _, body = post(FACE_ANALYTICS, six_people_jpeg)
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (face["bounding_box"] for face in body["faces"])]
    assert body["face_count"] == len(areas) == 6
    assert areas == sorted(areas, reverse=True)


def test_max_faces_keeps_the_largest(six_people_jpeg: bytes) -> None:
    everyone = post(FACE_ANALYTICS, six_people_jpeg)[1]["faces"]
    largest = post(FACE_ANALYTICS, six_people_jpeg, "max_faces=2")[1]["faces"]
    assert [face["bounding_box"] for face in largest] == [face["bounding_box"] for face in everyone[:2]]


def test_min_face_size_drops_the_small(six_people_jpeg: bytes) -> None:
    sizes = [face["quality"]["face_size_px"] for face in post(FACE_ANALYTICS, six_people_jpeg)[1]["faces"]]
    limit = sorted(sizes)[3]
    kept = post(FACE_ANALYTICS, six_people_jpeg, f"min_face_size={limit}")[1]["faces"]
    assert 1 <= len(kept) < 6
    assert all(face["quality"]["face_size_px"] >= limit for face in kept)


def test_min_detection_probability_is_applied_both_ways(six_people_jpeg: bytes) -> None:
    assert post(FACE_ANALYTICS, six_people_jpeg, "min_detection_probability=1")[1]["faces"] == []
    many = post(FACE_ANALYTICS, six_people_jpeg, "min_detection_probability=0.05&max_faces=10")[1]["faces"]
    assert 6 <= len(many) <= 10


@BOTH
def test_bad_requests_get_the_contracts_status_and_code(route: Route, photo, sixty_megapixel_png: bytes) -> None:
    good = photo("astronaut")
    assert error(post(route, None)) == (422, "missing_field")
    assert error(post(route, b"")) == (422, "missing_field")
    assert error(post(route, good, field="image")) == (422, "missing_field")
    assert error(post(route, b"To whom it may concern" * 50)) == (415, "unsupported_image")
    assert error(post(route, good[: len(good) // 2])) == (422, "undecodable_image")
    assert error(post(route, sixty_megapixel_png)) == (413, "image_too_large")
    assert error(post(route, good + bytes(MAX_IMAGE_BYTES))) == (413, "image_too_large")
    assert error(post(route, good, "max_faces=none")) == (422, "invalid_parameter")
    assert error(post(route, good, "max_face=1")) == (422, "invalid_parameter")
    assert post(route, good)[0] == 200


def test_a_body_that_is_not_base64_is_malformed(photo) -> None:
    event = form_event(FACE_ANALYTICS, photo("astronaut")) | {"body": "###"}
    assert error(call(analytics.lambda_handler, event)) == (400, "malformed_request")


def test_an_unknown_path_or_method_is_not_found(photo) -> None:
    event = form_event(FACE_ANALYTICS, photo("astronaut"))
    assert error(call(analytics.lambda_handler, event | {"path": "/v1/nothing"})) == (404, "not_found")


def test_behind_a_custom_domain_the_stage_may_be_in_the_path(photo) -> None:
    event = form_event(FACE_ANALYTICS, photo("coffee"))
    assert call(analytics.lambda_handler, event | {"path": "/api/v1/face_analytics"})[0] == 200


def test_an_event_with_only_what_a_hand_written_one_has_is_answered(photo) -> None:
    whole = form_event(FACE_ANALYTICS, photo("obama"), "max_faces=1")
    names = ("path", "httpMethod", "headers", "queryStringParameters", "body", "isBase64Encoded")
    event = {name: whole[name] for name in names} | {"requestContext": {"requestId": "request-1", "authorizer": ACTIVE}}
    status, body = call(analytics.lambda_handler, event)
    assert (status, body["face_count"]) == (200, 1)


def test_a_suspended_account_is_refused_in_arsas_words(photo) -> None:
    status, body = post(FACE_ANALYTICS, photo("astronaut"), authorizer=ACTIVE | {"status": "suspended"})
    assert (status, body["error"]["code"], body["detail"]) == (403, "account_suspended", "Account suspended")


def test_a_bug_of_ours_is_a_500_without_a_word_about_it(photo, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail of /var/task")

    monkeypatch.setattr(analytics, "analyse_image", broken)
    status, body = post(FACE_ANALYTICS, photo("astronaut"))
    assert (status, body["error"]["code"]) == (500, "internal")
    assert "secret detail" not in json.dumps(body)
    assert "secret detail" in caplog.text


def test_the_same_bytes_give_the_same_answer(photo) -> None:
    first, second = (post(FACE_ANALYTICS, photo("obama2"))[1]["faces"] for _ in range(2))
    assert first == second
