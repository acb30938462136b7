"""People enrolled and recognised over HTTP, through the local gateway, its authorizer and its processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from mien.adapters.sqlite_gallery import SqliteGallery
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.domain.gallery import GalleryId
from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from tests.functional.servers import Server

ROOT = "/api/v1/face_recognition"


class Client:
    def __init__(self, server: Server, secret: str) -> None:
        self.server, self.secret = server, secret

    def __call__(self, method: str, path: str, uid: str | None = None, **options: Any) -> requests.Response:
        headers = {"x-key-secret": self.secret} | ({"x-face-uid": uid} if uid else {})
        return requests.request(method, f"{self.server.url}{ROOT}/{path}", headers=headers, timeout=60, **options)

    def register(self, uid: str, *photos: bytes, method: str = "POST", **options: Any) -> requests.Response:
        names = ["face_image", *(f"additional_face_image_{n}" for n in range(4))]
        files = {name: ("photo.jpg", photo) for name, photo in zip(names, photos, strict=False)}
        path = "register_face" if method == "POST" else "update_face"
        return self(method, path, uid, files=files, **options)

    def delete_everybody(self) -> None:
        for row in self("GET", "view_db").json()["faces_list"]:
            self("DELETE", "delete_face", row["face_uid"])

    def who(self, photo: bytes) -> list[str]:
        answer = self("POST", "recognize_face", files={"face_image": ("photo.jpg", photo)})
        assert answer.status_code == 200
        return sorted(face["recognition_uidresult"] for face in answer.json()["faces"])


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server, server.key)
    yield client
    client.delete_everybody()


@pytest.fixture
def other_tenant(server: Server) -> Iterator[Client]:
    client = Client(server, _key(server, "mien_other", "another-tenant"))
    yield client
    client.delete_everybody()


def _key(server: Server, secret: str, tenant: str) -> str:
    store = SqliteKeyStore(server.state / "mien.sqlite")
    store.put(
        ApiKey(hash_secret(secret), f"key-{secret}", tenant, "a key", "unlimited", KeyStatus.ACTIVE, datetime.now(UTC))
    )
    store.close()
    return secret


def test_a_person_comes_and_goes(client: Client, photo, six_people_jpeg: bytes) -> None:
    registered = client.register("barack", photo("obama"), photo("obama3"), data={"metadata": "44th"})
    assert registered.status_code == 200
    assert registered.json()["num_of_faces"] == 2
    assert client.register("joe", photo("biden")).status_code == 200
    assert client.who(photo("obama2")) == ["barack"]
    assert client.who(six_people_jpeg) == ["barack", "barack", "barack", "joe", "unknown", "unknown"]
    listed = client("GET", "view_db", params={"limit": 10}).json()
    assert listed["num_of_faces"] == 3
    assert {row["face_uid"]: row["metadata"] for row in listed["faces_list"]} == {"barack": "44th", "joe": None}
    assert client.register("barack", photo("obama2"), method="PUT").json()["num_of_faces"] == 1
    deleted = client("DELETE", "delete_face", "barack")
    assert (deleted.status_code, deleted.json()["deleted_faces"]) == (200, 1)
    for _ in range(4):  # whichever process answers
        assert client.who(photo("obama")) == ["unknown"]
    assert client("DELETE", "delete_face", "barack").status_code == 404


def test_of_registrations_of_one_uid_at_once_one_wins(client: Client, photo) -> None:
    photos = [photo(name) for name in ("obama", "biden", "astronaut", "obama2", "obama3", "biden")]
    with ThreadPoolExecutor(len(photos)) as pool:
        answers = list(pool.map(lambda data: client.register("contested", data), photos))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (len(photos) - 1)
    assert client("GET", "view_db").json()["num_of_faces"] == 1
    (winner,) = (data for data, answer in zip(photos, answers, strict=True) if answer.status_code == 200)
    assert client.who(winner) == ["contested"]


def test_many_people_can_be_enrolled_at_once(client: Client, photo) -> None:
    uids = [f"person-{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda uid: client.register(uid, photo("obama")), uids))
    assert {answer.status_code for answer in answers} == {200}
    listed = client("GET", "view_db").json()
    assert sorted(row["face_uid"] for row in listed["faces_list"]) == sorted(uids)


def test_another_tenants_key_opens_nothing(client: Client, other_tenant: Client, photo) -> None:
    client.register("barack", photo("obama"))
    assert other_tenant.who(photo("obama")) == ["unknown"]
    assert other_tenant("GET", "view_db").json()["faces_list"] == []
    assert other_tenant("DELETE", "delete_face", "barack").status_code == 404
    assert other_tenant.register("barack", photo("biden"), method="PUT").status_code == 404
    assert client.who(photo("obama2")) == ["barack"]


def test_a_page_token_of_one_tenant_shows_another_only_their_own(client: Client, other_tenant: Client, photo) -> None:
    for uid in ("a", "b", "c"):
        client.register(uid, photo("obama"))
    other_tenant.register("z", photo("biden"))
    token = client("GET", "view_db", params={"limit": 1}).json()["next_token"]
    rows = other_tenant("GET", "view_db", params={"next_token": token}).json()["faces_list"]
    assert {row["face_uid"] for row in rows} <= {"z"}


def test_two_keys_of_a_tenant_share_its_people(server: Server, client: Client, photo) -> None:
    second = Client(server, _key(server, "mien_second", "demo"))
    client.register("barack", photo("obama"))
    assert second.who(photo("obama2")) == ["barack"]


def test_the_audit_log_names_the_key_and_holds_no_secret(server: Server, client: Client, photo) -> None:
    client.register("barack", photo("obama"))
    client("DELETE", "delete_face", "barack")
    gallery = SqliteGallery(server.state / "mien.sqlite")
    log = gallery.receipts(GalleryId("demo", "default"), datetime(2026, 1, 1, tzinfo=UTC))
    gallery.close()
    assert [line.action.value for line in log[-2:]] == ["registered", "deleted"]
    assert log[-1].by == "demo"
    assert client.secret not in repr(log)


def test_wrong_methods_are_refused(client: Client) -> None:
    for method, path in (("GET", "register_face"), ("POST", "update_face"), ("PUT", "register_face")):
        assert client(method, path).status_code == 405
