"""/validate_faces, behind real proxy events, with real people's photos."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from mien.cli.sample_photos import jpeg
from mien.http.routes import VALIDATE_FACES
from mien.vision.decode import decode
from tests.events import call, files_event

FACE_FIELDS = {"bounding_box", "bbox", "age", "gender", "gender_probability", "passive_liveness", "emotion", "pose"}


Validate = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def validate(recognition: ModuleType) -> Validate:
    def validate(first: bytes | None, second: bytes | None, query: str = "") -> tuple[int, dict[str, Any]]:
        files = {name: data for name, data in (("image1", first), ("image2", second)) if data is not None}
        return call(recognition.lambda_handler, files_event(VALIDATE_FACES, files, query))

    return validate


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


@pytest.mark.parametrize(("first", "second"), [("obama", "obama2"), ("obama", "obama3"), ("obama2", "obama3")])
def test_one_person_in_two_photos_is_a_match(first: str, second: str, photo, validate: Validate) -> None:
    status, body = validate(photo(first), photo(second))
    assert status == 200
    assert body["match_result"] is True
    assert body["similarity_score"] >= body["threshold"]


@pytest.mark.parametrize(("first", "second"), [("obama", "biden"), ("obama3", "biden"), ("astronaut", "obama")])
def test_two_people_are_not(first: str, second: str, photo, validate: Validate) -> None:
    status, body = validate(photo(first), photo(second))
    assert status == 200
    assert body["match_result"] is False
    assert body["similarity_score"] < 0.5


def test_the_answer_has_the_contracts_fields_and_both_faces(photo, validate: Validate) -> None:
    _, body = validate(photo("obama"), photo("biden"))
    assert body.keys() == {
        "status", "match_result", "similarity_score", "threshold", "face1_analysis", "face2_analysis", "latency_ms",
        "request_id",
    }  # fmt: skip
    assert body["face1_analysis"].keys() >= FACE_FIELDS
    assert body["face1_analysis"]["bounding_box"] != body["face2_analysis"]["bounding_box"]


def test_the_order_of_the_photos_does_not_matter(photo, validate: Validate) -> None:
    one, other = validate(photo("obama"), photo("obama3"))[1], validate(photo("obama3"), photo("obama"))[1]
    assert one["similarity_score"] == pytest.approx(other["similarity_score"], abs=1e-5)
    assert one["face1_analysis"] == other["face2_analysis"]


def test_a_photo_matches_its_mirror_image_and_itself(photo, validate: Validate) -> None:
    mirrored = jpeg(np.ascontiguousarray(decode(photo("astronaut"))[:, ::-1]))
    assert validate(photo("astronaut"), photo("astronaut"))[1]["similarity_score"] > 0.999
    assert validate(photo("astronaut"), mirrored)[1]["match_result"] is True


def test_a_stricter_policy_has_a_higher_threshold(photo, validate: Validate) -> None:
    thresholds = [
        validate(photo("obama"), photo("biden"), f"match_policy=fmr_1e-{n}")[1]["threshold"] for n in (2, 3, 4, 5)
    ]
    assert thresholds == sorted(thresholds)
    assert len(set(thresholds)) == 4
    assert validate(photo("obama"), photo("biden"))[1]["threshold"] == thresholds[2]


def test_what_is_wrong_is_said_of_the_photo_it_is_wrong_with(photo, validate: Validate, six_people_jpeg: bytes) -> None:
    good = photo("obama")
    assert code(validate(good, None)) == (422, "missing_field")
    assert "image2" in validate(good, None)[1]["message"]
    assert code(validate(None, None)) == (422, "missing_field")
    no_face = validate(good, photo("coffee"))
    assert code(no_face) == (422, "no_face")
    assert "second" in no_face[1]["message"]
    several = validate(six_people_jpeg, good)
    assert code(several) == (422, "multiple_faces")
    assert "first image shows 6 faces" in several[1]["message"]
    assert code(validate(good, b"text")) == (415, "unsupported_image")
    assert code(validate(good, good, "match_policy=sure")) == (422, "invalid_parameter")
    assert code(validate(good, good, "max_faces=1")) == (422, "invalid_parameter")


def test_a_tilted_photo_still_matches(photo, validate: Validate) -> None:
    image = decode(photo("obama"))
    about = cv2.getRotationMatrix2D((300.0, 160.0), 20, 1.0)
    tilted = cv2.warpAffine(image, about, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    assert validate(photo("obama2"), jpeg(tilted))[1]["match_result"] is True
