"""Enrolment, recognition and deletion, behind real proxy events, with real people's photos, on a real store."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from mien.cli.sample_photos import jpeg
from mien.http.parameters import PageToken
from mien.http.routes import DELETE_FACE, RECOGNIZE_FACE, REGISTER_FACE, UPDATE_FACE, VIEW_DB, Route
from mien.vision.decode import decode
from tests.events import ACTIVE, call, files_event

Answer = tuple[int, dict[str, Any]]

_tenants = (f"tenant-{n}" for n in itertools.count())


class Client:
    """A tenant's calls, as a key of theirs makes them."""

    def __init__(self, recognition: ModuleType, tenant: str | None = None) -> None:
        self.tenant = tenant or next(_tenants)
        self._handler = recognition.lambda_handler

    def call(
        self,
        route: Route,
        files: dict[str, bytes] | None = None,
        uid: str | None = None,
        query: str = "",
        **fields: str,
    ) -> Answer:
        authorizer = ACTIVE | {"tenant": self.tenant}
        headers = {} if uid is None else {"X-Face-Uid": uid}
        return call(self._handler, files_event(route, files or {}, query, authorizer, headers, fields))

    def register(self, uid: str | None, *photos: bytes, query: str = "", **fields: str) -> Answer:
        return self.call(REGISTER_FACE, _files(photos), uid, query, **fields)

    def update(self, uid: str, *photos: bytes, query: str = "", **fields: str) -> Answer:
        return self.call(UPDATE_FACE, _files(photos), uid, query, **fields)

    def recognize(self, photo: bytes, query: str = "") -> Answer:
        return self.call(RECOGNIZE_FACE, {"face_image": photo}, query=query)

    def delete(self, uid: str | None, query: str = "") -> Answer:
        return self.call(DELETE_FACE, uid=uid, query=query)

    def view(self, query: str = "") -> Answer:
        return self.call(VIEW_DB, query=query)


def _files(photos: tuple[bytes, ...]) -> dict[str, bytes]:
    names = ["face_image", *(f"additional_face_image_{n}" for n in range(9))]
    return dict(zip(names, photos, strict=False))


@pytest.fixture
def client(recognition: ModuleType) -> Client:
    return Client(recognition)


@pytest.fixture
def stranger(recognition: ModuleType) -> Client:
    return Client(recognition)


def code(answer: Answer) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def only_face(answer: Answer) -> dict[str, Any]:
    status, body = answer
    assert status == 200
    (face,) = body["faces"]
    return face


def test_a_registered_person_is_recognised_in_other_photos_and_others_are_not(client: Client, photo) -> None:
    assert client.register("barack", photo("obama"))[0] == 200
    assert client.register("joe", photo("biden"))[0] == 200
    for name in ("obama2", "obama3"):
        face = only_face(client.recognize(photo(name)))
        assert face["recognition_uidresult"] == "barack"
        assert face["recognition_confidence"] > 0.9
        assert face["recognition_otheruids"] == []
    face = only_face(client.recognize(photo("astronaut")))
    assert face["recognition_uidresult"] == "unknown"
    assert face["recognition_confidence"] < 0.5


def test_recognition_says_all_that_analysis_says(client: Client, photo) -> None:
    client.register("barack", photo("obama"))
    status, body = client.recognize(photo("obama2"))
    assert status == 200
    assert body.keys() == {"status", "face_count", "faces", "image", "latency_ms", "request_id"}
    assert body["faces"][0].keys() >= {
        "bounding_box", "age", "gender", "expression", "emotion", "passive_liveness", "landmarks", "pose", "quality",
        "recognition_uidresult", "recognition_confidence", "recognition_otheruids",
    }  # fmt: skip


def test_everyone_in_a_group_is_recognised_at_once(client: Client, photo, six_people_jpeg: bytes) -> None:
    for uid, name in (("mae", "astronaut"), ("barack", "obama"), ("joe", "biden")):
        assert client.register(uid, photo(name))[0] == 200
    _, body = client.recognize(six_people_jpeg)
    found = sorted(face["recognition_uidresult"] for face in body["faces"])
    assert found == ["barack", "barack", "barack", "joe", "mae", "mae"]
    _, two = client.recognize(six_people_jpeg, "max_faces=2")
    assert two["face_count"] == 2


def test_no_face_is_an_answer(client: Client, photo) -> None:
    status, body = client.recognize(photo("coffee"))
    assert (status, body["face_count"], body["faces"]) == (200, 0, [])


def test_nobody_is_known_in_an_empty_collection(client: Client, photo) -> None:
    face = only_face(client.recognize(photo("obama")))
    assert face["recognition_uidresult"] == "unknown"
    assert face["recognition_confidence"] == 0
    assert face["recognition_otheruids"] == []


def test_registration_answers_as_the_contract_says(client: Client, photo) -> None:
    status, body = client.register("barack", photo("obama"), photo("obama2"))
    assert status == 200
    assert body.keys() == {"status", "message", "face_uid", "face_ids", "num_of_faces", "rejected_images"}
    assert body["status"] == "success"
    assert body["face_uid"] == "barack"
    assert body["num_of_faces"] == len(set(body["face_ids"])) == 2
    assert body["rejected_images"] == []


def test_each_photo_is_accepted_or_rejected_with_a_reason(client: Client, photo, six_people_jpeg: bytes) -> None:
    blurred = jpeg(cv2.GaussianBlur(cv2.resize(decode(photo("obama")), None, fx=0.15, fy=0.15), (0, 0), 2))
    status, body = client.register("barack", photo("coffee"), six_people_jpeg, photo("obama"), b"text", blurred)
    assert status == 200
    assert body["num_of_faces"] == len(body["face_ids"]) == 1
    reasons = [(rejected["index"], rejected["reason"]) for rejected in body["rejected_images"]]
    assert reasons[:3] == [(0, "no_face"), (1, "multiple_faces"), (3, "undecodable_image")]
    assert reasons[3][0] == 4
    assert reasons[3][1] in {"low_quality", "no_face"}
    assert only_face(client.recognize(photo("obama2")))["recognition_uidresult"] == "barack"


def test_a_photo_of_a_screen_is_rejected_as_a_spoof(client: Client, recognition: ModuleType, photo) -> None:
    """The network takes a face that fills the photo, pressed flat and framed, for a picture of a picture."""
    spoof = _photographed_picture(decode(photo("obama")))
    live = recognition.reader.read_one(jpeg(spoof), "photo").face.liveness
    assert not live.is_live
    assert code(client.register("barack", jpeg(spoof))) == (422, "spoof")


def test_a_registration_that_accepts_no_photo_changes_nothing(client: Client, photo) -> None:
    answer = client.register("barack", photo("coffee"), b"text")
    assert code(answer) == (422, "no_face")
    assert "Nothing was changed" in answer[1]["message"]
    assert client.view()[1]["num_of_faces"] == 0
    assert client.register("barack", photo("obama"))[0] == 200
    assert code(client.update("barack", photo("coffee"))) == (422, "no_face")
    assert only_face(client.recognize(photo("obama2")))["recognition_uidresult"] == "barack"


def test_a_uid_is_registered_once(client: Client, photo) -> None:
    assert client.register("someone", photo("obama"))[0] == 200
    assert code(client.register("someone", photo("biden"))) == (409, "already_registered")
    assert only_face(client.recognize(photo("obama2")))["recognition_uidresult"] == "someone"


def test_an_update_replaces_all_faces_and_keeps_what_is_not_given(client: Client, photo) -> None:
    client.register("someone", photo("obama"), photo("obama2"), metadata="kept")
    before = client.view()[1]["faces_list"][0]
    status, body = client.update("someone", photo("biden"))
    assert status == 200
    assert body["num_of_faces"] == 1
    after = client.view()[1]["faces_list"][0]
    assert after == before | {"faces": 1}
    assert after["metadata"] == "kept"
    assert only_face(client.recognize(photo("obama3")))["recognition_uidresult"] == "unknown"
    assert only_face(client.recognize(photo("biden")))["recognition_uidresult"] == "someone"
    client.update("someone", photo("biden"), metadata="new")
    assert client.view()[1]["faces_list"][0]["metadata"] == "new"


def test_what_nobody_is_enrolled_as_cannot_be_updated_or_deleted(client: Client, photo) -> None:
    assert code(client.update("nobody", photo("obama"))) == (404, "not_found")
    assert code(client.delete("nobody")) == (404, "not_found")


def test_a_deleted_person_is_a_stranger_at_once(client: Client, photo) -> None:
    client.register("barack", photo("obama"), photo("obama2"))
    assert only_face(client.recognize(photo("obama3")))["recognition_uidresult"] == "barack"
    assert client.delete("barack") == (200, {"status": "success", "face_uid": "barack", "deleted_faces": 2})
    assert only_face(client.recognize(photo("obama3")))["recognition_uidresult"] == "unknown"
    assert client.view()[1]["faces_list"] == []
    assert code(client.delete("barack")) == (404, "not_found")


@pytest.mark.parametrize("metadata", ['{"name": "Barack", "né": 1961}', "plain text", "", " spaces\r\nand lines "])
def test_metadata_comes_back_as_given(client: Client, photo, metadata: str) -> None:
    client.register("barack", photo("obama"), metadata=metadata)
    assert client.view()[1]["faces_list"][0]["metadata"] == metadata


def test_two_kilobytes_of_metadata_are_taken_and_no_more(client: Client, photo) -> None:
    assert code(client.register("barack", photo("obama"), metadata="é" * 1024 + "x")) == (422, "invalid_parameter")
    assert client.view()[1]["num_of_faces"] == 0
    assert client.register("barack", photo("obama"), metadata="é" * 1024)[0] == 200


def test_a_listing_is_paged(client: Client, photo) -> None:
    for n in range(5):
        client.register(f"person {n}", photo("obama"), *([photo("obama2")] if n == 0 else []))
    seen: list[str] = []
    query = "limit=2"
    while True:
        status, body = client.view(query)
        assert status == 200
        assert body.keys() == {"status", "num_of_faces", "faces_list", "next_token"}
        assert body["num_of_faces"] == 6
        seen += [row["face_uid"] for row in body["faces_list"]]
        if body["next_token"] is None:
            break
        query = f"limit=2&next_token={body['next_token']}"
    assert sorted(seen) == [f"person {n}" for n in range(5)]
    row = client.view()[1]["faces_list"][0]
    assert row.keys() == {"face_uid", "faces", "created_at", "metadata"}


def test_collections_are_apart(client: Client, photo) -> None:
    client.register("barack", photo("obama"), query="collection=staff")
    assert only_face(client.recognize(photo("obama2")))["recognition_uidresult"] == "unknown"
    face = only_face(client.recognize(photo("obama2"), "collection=staff"))
    assert face["recognition_uidresult"] == "barack"
    assert client.register("barack", photo("biden"))[0] == 200
    assert client.delete("barack", "collection=staff")[0] == 200
    assert client.view()[1]["num_of_faces"] == 1


def test_no_tenant_can_see_guess_or_touch_anothers_people(client: Client, stranger: Client, photo) -> None:
    client.register("barack", photo("obama"), query="collection=staff")
    token = PageToken("aaaa", 99)
    for query in ("collection=staff", f"collection=staff&next_token={token}", f"next_token={PageToken('barack', 1)}"):
        assert stranger.view(query)[1]["faces_list"] == []
    assert only_face(stranger.recognize(photo("obama"), "collection=staff"))["recognition_uidresult"] == "unknown"
    assert code(stranger.update("barack", photo("biden"), query="collection=staff")) == (404, "not_found")
    assert code(stranger.delete("barack", "collection=staff")) == (404, "not_found")
    assert stranger.register("barack", photo("biden"), query="collection=staff")[0] == 200
    face = only_face(client.recognize(photo("obama2"), "collection=staff"))
    assert face["recognition_uidresult"] == "barack"
    assert only_face(client.recognize(photo("biden"), "collection=staff"))["recognition_uidresult"] == "unknown"


@pytest.mark.parametrize(
    "uid", ["../tenant-0/barack", "tenant-0#staff#barack", "tenant-0\\barack", "*", "%00", "barack' --"]
)
def test_a_forged_uid_is_only_a_name(client: Client, stranger: Client, photo, uid: str) -> None:
    client.register("barack", photo("obama"))
    assert code(stranger.delete(uid)) == (404, "not_found")
    assert client.view()[1]["num_of_faces"] == 1


@pytest.mark.parametrize("header", ["x-tenant", "tenant", "x-owner", "x-principal-id"])
def test_a_header_does_not_change_whose_gallery_it_is(
    recognition: ModuleType, client: Client, stranger: Client, photo, header: str
) -> None:
    client.register("barack", photo("obama"))
    event = files_event(VIEW_DB, {}, "", ACTIVE | {"tenant": stranger.tenant}, {header: client.tenant})
    assert call(recognition.lambda_handler, event)[1]["faces_list"] == []


def test_a_call_of_which_no_tenant_is_known_is_not_answered(recognition: ModuleType) -> None:
    nobody = {name: value for name, value in ACTIVE.items() if name != "tenant"}
    assert code(call(recognition.lambda_handler, files_event(VIEW_DB, {}, "", nobody))) == (500, "internal")


@pytest.mark.parametrize("uid", [None, "", "unknown", "x" * 129, "caf\xe9", "tab\tbed"])
def test_a_uid_is_asked_for_and_checked(client: Client, photo, uid: str | None) -> None:
    status, error = code(client.register(uid, photo("obama")))
    assert status == 422
    assert error == ("missing_field" if not uid else "invalid_parameter")


@pytest.mark.parametrize(
    "query",
    [
        "collection=", "collection=a/b", "collection=a%20b", "collection=" + "x" * 65, "collection=a&collection=b",
        "collection=%C3%A9", "tenant=someone", "match_policy=fmr_1e-4",
    ],
)  # fmt: skip
def test_a_bad_collection_or_parameter_is_refused(client: Client, photo, query: str) -> None:
    assert code(client.register("barack", photo("obama"), query=query)) == (422, "invalid_parameter")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "next_token=x", "next_token=WyJhIl0", "next_token=%00", "max_faces=1"]
)
def test_a_bad_page_is_refused(client: Client, query: str) -> None:
    assert code(client.view(query)) == (422, "invalid_parameter")


def test_missing_and_surplus_images_are_refused(client: Client, photo) -> None:
    assert code(client.call(REGISTER_FACE, {"additional_face_image_0": photo("obama")}, "a")) == (422, "missing_field")
    assert code(client.register("a", *([photo("obama")] * 6))) == (422, "invalid_parameter")
    assert code(client.recognize(b"")) == (422, "missing_field")
    assert code(client.recognize(b"text")) == (415, "unsupported_image")


def test_a_stricter_policy_is_harder_to_pass(client: Client, photo) -> None:
    """A small and blurred photo passes at one in a hundred, and not at one in a hundred thousand."""
    client.register("barack", photo("obama"))
    degraded = jpeg(_degraded(decode(photo("obama2"))))
    results = []
    for policy in (2, 3, 4, 5):
        faces = client.recognize(degraded, f"match_policy=fmr_1e-{policy}")[1]["faces"]
        results.append([face["recognition_uidresult"] for face in faces] == ["barack"])
    assert results == sorted(results, reverse=True)
    assert results[0]
    assert not results[-1]
    assert code(client.recognize(photo("obama"), "match_policy=sure")) == (422, "invalid_parameter")


def test_faces_of_another_model_are_refused_until_they_are_enrolled_again(
    recognition: ModuleType, client: Client, photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(recognition.reader.embedder, "space", "an-older-model@00000000")
        assert client.register("barack", photo("obama"))[0] == 200
    answer = client.recognize(photo("obama2"))
    assert code(answer) == (409, "embedding_space_mismatch")
    assert "reembed" in answer[1]["message"]
    assert client.update("barack", photo("obama"))[0] == 200
    assert only_face(client.recognize(photo("obama2")))["recognition_uidresult"] == "barack"


def test_a_second_function_sees_what_the_first_one_did(
    load_handler: Callable[..., ModuleType], store: str, client: Client, photo
) -> None:
    other = Client(load_handler("recognition", MIEN_GALLERY=store), client.tenant)
    assert only_face(other.recognize(photo("obama2")))["recognition_uidresult"] == "unknown"
    client.register("barack", photo("obama"))
    assert only_face(other.recognize(photo("obama2")))["recognition_uidresult"] == "barack"
    client.delete("barack")
    assert only_face(other.recognize(photo("obama2")))["recognition_uidresult"] == "unknown"


def _degraded(image: np.ndarray) -> np.ndarray:
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 1.5)


def _photographed_picture(image: np.ndarray) -> np.ndarray:
    """A picture on a grey screen with its grid of pixels, seen from a little distance."""
    small = cv2.resize(image, (240, 300))
    screen = np.full((600, 480, 3), 90, np.uint8)
    screen[150:450, 120:360] = np.clip(small * 0.7 + 60, 0, 255)
    screen[150:450:3] //= 2
    return screen
