"""What an upload is called, who may open one, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_meter import SqliteMeter
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.domain.errors import (
    ImageTooLarge,
    InvalidParameter,
    MalformedRequest,
    MienError,
    MissingField,
    QuotaExceeded,
    UnsupportedImage,
    UploadNotFound,
)
from mien.domain.uploads import (
    MAX_KEY_BYTES,
    MAX_UPLOAD_BYTES,
    Payer,
    PhotoVersion,
    Task,
    TaskKind,
    Upload,
    UploadRules,
    UploadStatus,
    is_upload_id,
    new_upload_id,
    owner_of,
    upload_key,
)
from mien.http.uploads import UploadRequest, read_upload_request, upload_body
from mien.ports.photo_store import PostForm
from mien.usecases.open_upload import FindUpload, FoundUpload, OpenUpload

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAYER = Payer("key-1", "free")
segments = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=300)


def landed(key: str, tenant: str = "acme", version: str = "v1") -> Upload:
    photo = PhotoVersion("photos", key, version, "e")
    return Upload(tenant, photo.id, PAYER, Task(), NOW, photo)


def test_an_answer_lies_beside_its_photos_path() -> None:
    upload = landed("uploads/acme/door/photo.jpg")
    assert upload.result_key == f"results/acme/door/photo.jpg.{upload.id}.json"
    assert landed("2019/photo.jpg").result_key.startswith("results/acme/2019/photo.jpg.")


@given(st.lists(segments, min_size=1, max_size=20).map("/".join), st.text("ab", min_size=1, max_size=3))
def test_every_answer_has_a_key_of_its_own_that_a_store_takes(path: str, version: str) -> None:
    upload, other = landed(upload_key("acme", path)), landed(upload_key("acme", path), version=f"other{version}")
    assert upload.result_key != other.result_key
    assert upload.result_key.startswith("results/acme/")
    assert len(upload.result_key.encode()) <= MAX_KEY_BYTES
    assert len(upload.result_key.rpartition("/")[2].encode()) <= 255


@given(segments.filter(lambda text: text.strip()), segments)
def test_a_photos_owner_is_in_its_key(tenant: str, path: str) -> None:
    assert owner_of(upload_key(tenant, path)) == (tenant, path)


@pytest.mark.parametrize("key", ["", "uploads", "uploads/", "uploads/a", "uploads/a/", "results/a/b", "x/uploads/a/b"])
def test_what_is_no_photo_of_a_tenant_has_no_owner(key: str) -> None:
    assert owner_of(key) is None


def test_ids_are_told_from_paths() -> None:
    assert is_upload_id(new_upload_id())
    assert is_upload_id(landed("uploads/acme/a").id)
    for text in ("photo.jpg", "", "0" * 31, "0" * 33, "G" * 32, "A" * 32, f"{'0' * 32}\n"):
        assert not is_upload_id(text)


def test_the_longest_rule_that_fits_decides() -> None:
    rules = UploadRules({"": Task(TaskKind.EMOTION), "door": Task(), "door/": Task(TaskKind.RECOGNISE, "staff")})
    assert rules.task_for("door/a.jpg").collection == "staff"
    assert rules.task_for("doorway.jpg") == Task()
    assert rules.task_for("hall/a.jpg").kind is TaskKind.EMOTION
    assert UploadRules().task_for("a.jpg") == Task()


def test_a_task_is_what_its_texts_say() -> None:
    task = Task(TaskKind.RECOGNISE, "staff", "fmr_1e-5")
    assert Task.of(task.texts()) == task
    assert Task.of({}) == Task()
    for texts in ({"task": "admire"}, {"collection": "a b"}, {"collection": ""}):
        with pytest.raises(InvalidParameter):
            Task.of(texts)


class Forms(FolderPhotoStore):
    """A store whose forms only say what they are for."""

    def post_form(self, key: str, content_type: str, size: int) -> PostForm:
        return PostForm("http://127.0.0.1/", {"key": key, "type": content_type, "size": str(size)}, NOW)


class Office:
    def __init__(self, folder: Path) -> None:
        self.photos = Forms(folder)
        self.log, self.meter = SqliteUploadLog(folder / "mien.sqlite"), SqliteMeter(folder / "mien.sqlite")
        self.open = OpenUpload(self.photos, self.log, self.meter, lambda: NOW)
        self.find = FindUpload(self.photos, self.log)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.log.close()
    office.meter.close()


def test_an_opened_upload_awaits_one_photo_under_its_tenants_prefix(office: Office) -> None:
    opened = office.open("acme", PAYER, Task(TaskKind.EMOTION), "image/png", 1000)
    assert opened.form.fields == {"key": f"uploads/acme/{opened.upload.id}", "type": "image/png", "size": "1000"}
    assert office.find("acme", opened.upload.id) == FoundUpload(opened.upload, None)
    assert office.meter.usage("key-1", "2026-11").used == 0


def test_when_the_month_is_used_up_no_upload_is_opened(office: Office) -> None:
    for _ in range(100):
        office.meter.take("key-1", "2026-11", "face_analytics", None)
    with pytest.raises(QuotaExceeded):
        office.open("acme", PAYER, None, "image/png", 1000)
    assert office.open("acme", replace(PAYER, plan="unlimited"), None, "image/png", 1000)


def test_an_upload_is_found_by_its_own_tenant_with_its_answer(office: Office) -> None:
    upload = replace(landed("uploads/acme/a.jpg"), status=UploadStatus.DONE, completed_at=NOW, face_count=0)
    office.log.finish(upload)
    with pytest.raises(UploadNotFound):
        office.find("acme", upload.id)  # its answer is not there, or no longer
    office.photos.put_answer(upload.result_key, b'{"status": "success", "faces": []}')
    assert office.find("acme", upload.id) == FoundUpload(upload, {"status": "success", "faces": []})
    for tenant, id in (("rival", upload.id), ("acme", new_upload_id()), ("acme", "../etc/passwd"), ("acme", "")):
        with pytest.raises(UploadNotFound):
            office.find(tenant, id)


def test_what_is_said_of_an_upload() -> None:
    pending = replace(landed("uploads/acme/a.jpg"), photo=None, id="1")
    assert upload_body(FoundUpload(pending, None)) == {
        "status": "pending",
        "id": "1",
        "created_at": "2026-11-21T00:00:00+00:00",
        "completed_at": None,
        "result": None,
        "error": None,
    }
    done = replace(pending, status=UploadStatus.DONE, completed_at=NOW + timedelta(seconds=2))
    answer = {"status": "success", "faces": []}
    body = upload_body(FoundUpload(done, answer))
    assert (body["status"], body["completed_at"], body["result"]) == ("done", "2026-11-21T00:00:02+00:00", answer)
    error = {"status": "error", "error": {"code": "unsupported_image"}}
    body = upload_body(FoundUpload(replace(done, status=UploadStatus.FAILED), error))
    assert (body["status"], body["result"], body["error"]) == ("failed", None, error)


def said(**fields: Any) -> bytes:
    return json.dumps({"content_type": "image/jpeg", "bytes": 5} | fields).encode()


def test_an_upload_request_says_type_and_size_and_may_say_what_is_to_be_done() -> None:
    assert read_upload_request(said()) == UploadRequest("image/jpeg", 5, None)
    asked = read_upload_request(said(bytes=MAX_UPLOAD_BYTES, task="recognise", collection="staff"))
    assert asked == UploadRequest("image/jpeg", MAX_UPLOAD_BYTES, Task(TaskKind.RECOGNISE, "staff"))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", MalformedRequest),
        (b"{", MalformedRequest),
        (b"[]", MalformedRequest),
        (b"[" * 100_000, MalformedRequest),
        (b"{}", MissingField),
        (b'{"content_type": "image/png"}', MissingField),
        (said(content_type="image/gif"), UnsupportedImage),
        (said(content_type=["image/png"]), UnsupportedImage),
        (said(bytes=0), InvalidParameter),
        (said(bytes=-1), InvalidParameter),
        (said(bytes=True), InvalidParameter),
        (said(bytes=5.0), InvalidParameter),
        (said(bytes="5"), InvalidParameter),
        (said(bytes=MAX_UPLOAD_BYTES + 1), ImageTooLarge),
        (said(task="admire"), InvalidParameter),
        (said(task=5), InvalidParameter),
        (said(collection="a b"), InvalidParameter),
        (said(tsk="emotion"), InvalidParameter),
    ],
)
def test_what_cannot_be_asked_for_is_told_clearly(body: bytes, error: type[MienError]) -> None:
    with pytest.raises(error):
        read_upload_request(body)
