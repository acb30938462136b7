"""A photo is looked at once, wherever its deliveries break off. The stores are real ones, on a disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_meter import SqliteMeter
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.domain.errors import ImageTooLarge, MienError, Unavailable, UnsupportedImage
from mien.domain.plans import Feature
from mien.domain.uploads import (
    Payer,
    PhotoVersion,
    Task,
    TaskKind,
    Upload,
    UploadRules,
    UploadStatus,
    new_upload_id,
    upload_key,
)
from mien.usecases.receive_photo import Answers, ReceivePhoto

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MONTH = "2026-11"
PATH = "door/photo.jpg"
HOUSE_KEY = "uploads:acme"


class Broken(BaseException):
    """The process was killed."""


class Heard:
    """An announcer that remembers."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []

    def announce(self, upload: Upload) -> None:
        self.uploads.append(upload)

    def close(self) -> None: ...


class Breaking:
    """Lets so many calls through to a port, and breaks off before or after the next."""

    def __init__(self, calls: int, after: bool) -> None:
        self.calls, self.after = calls, after

    def __call__(self, port: Any) -> Any:
        breaking = self

        class Port:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def call(*arguments: Any) -> Any:
                    breaking.calls -= 1
                    if breaking.calls == -1 and not breaking.after:
                        raise Broken
                    answer = getattr(port, name)(*arguments)
                    if breaking.calls == -1:
                        raise Broken
                    return answer

                return call

        return Port()


def success(upload: Upload, data: bytes) -> dict[str, Any]:
    if data == b"not a photo":
        raise UnsupportedImage("The file is not a JPEG, PNG or WebP image.")
    assert upload.task is not None
    return {"status": "success", "face_count": len(data), "task": upload.task.kind.value}


def failure(upload: Upload, error: MienError) -> dict[str, Any]:
    return {"status": "error", "message": error.message, "error": {"code": type(error).__name__}}


class House:
    """The stores of one deployment, and its use case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = FolderPhotoStore(folder)
        self.log = SqliteUploadLog(folder / "mien.sqlite")
        self.meter = SqliteMeter(folder / "mien.sqlite")
        self.heard = Heard()

    def receive(self, wrap: Callable[[Any], Any] = lambda port: port, **options: Any) -> ReceivePhoto:
        ports = map(wrap, (self.photos, self.log, self.meter, self.heard))
        return ReceivePhoto(*ports, Answers(success, failure), clock=lambda: NOW, **options)

    def land(self, data: bytes = b"photo", path: str = PATH) -> PhotoVersion:
        file = self.folder / upload_key("acme", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        photo = self.photos.version_of("photos", upload_key("acme", path))
        assert photo is not None
        return photo

    def results(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in (self.folder / "results").rglob("*.json")]

    def close(self) -> None:
        self.log.close()
        self.meter.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_a_photo_is_answered_noted_counted_and_announced(house: House) -> None:
    photo = house.land()
    upload = house.receive()("acme", PATH, photo)
    assert upload is not None
    assert (upload.status, upload.face_count, upload.id) == (UploadStatus.DONE, 5, photo.id)
    (result,) = house.results()
    assert result == {
        "status": "success",
        "face_count": 5,
        "task": "analyse",
        "upload": {
            "id": photo.id,
            "tenant": "acme",
            "bucket": "photos",
            "key": "uploads/acme/door/photo.jpg",
            "version": photo.version,
            "etag": photo.etag,
            "task": {"task": "analyse", "collection": "default", "match_policy": "fmr_1e-4"},
            "completed_at": "2026-11-21T00:00:00.000+00:00",
        },
    }
    assert house.log.find("acme", photo.id) == replace(upload, announced=True)
    assert house.meter.usage(HOUSE_KEY, MONTH).by_endpoint == {"uploads": 1}
    assert house.heard.uploads == [upload]
    assert (house.folder / "results" / "acme" / "door" / f"photo.jpg.{photo.id}.json").exists()


def test_a_second_delivery_changes_nothing(house: House) -> None:
    photo = house.land()
    first, second = (house.receive()("acme", PATH, photo) for _ in range(2))
    assert first is not None
    assert second == replace(first, announced=True)
    assert len(house.results()) == len(house.heard.uploads) == house.meter.usage(HOUSE_KEY, MONTH).used == 1


@pytest.mark.parametrize("keeps_photos", [True, False])
@pytest.mark.parametrize("data", [b"photo", b"not a photo"])
@pytest.mark.parametrize("awaited", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_wherever_deliveries_break_off_there_is_one_answer_in_the_end(
    house: House, after: bool, awaited: bool, data: bytes, keeps_photos: bool
) -> None:
    """Kill the process at every call to a store, before it or after it, and deliver again; then at the next call."""
    for calls in range(20):
        path = new_upload_id() if awaited else f"{calls}.jpg"
        if awaited:
            house.log.add(Upload("acme", path, Payer("key-1", "basic"), None, NOW))
        photo, wrap = house.land(data, path), Breaking(calls, after)
        try:
            house.receive(wrap, keeps_photos=keeps_photos)("acme", path, photo)
        except Broken:
            for again in range(2):  # and once more, broken off at the end
                try:
                    house.receive(Breaking(calls + again, after), keeps_photos=keeps_photos)("acme", path, photo)
                except Broken:
                    continue
            house.receive(keeps_photos=keeps_photos)("acme", path, photo)
        good = data == b"photo"
        upload = house.log.find("acme", path if awaited else photo.id)
        assert upload is not None
        assert upload.status is (UploadStatus.DONE if good else UploadStatus.FAILED)
        assert upload.announced
        assert len(house.results()) == calls + 1
        assert {told.id for told in house.heard.uploads} >= {upload.id}
        counted = house.meter.usage("key-1" if awaited else HOUSE_KEY, MONTH).used
        assert counted == (calls + 1 if good else 0)
        assert (house.folder / photo.key).exists() is keeps_photos
        if wrap.calls >= 0:
            return
    pytest.fail("There were more calls to break off at.")


def test_of_many_deliveries_at_once_one_answer_stands(house: House) -> None:
    photo = house.land()
    houses = [House(house.folder) for _ in range(8)]
    with ThreadPoolExecutor(len(houses)) as pool:
        uploads = list(pool.map(lambda each: each.receive()("acme", PATH, photo), houses))
    assert len({(upload.id, upload.status, upload.completed_at) for upload in uploads if upload}) == 1
    assert len(house.results()) == house.meter.usage(HOUSE_KEY, MONTH).used == 1
    for each in houses:
        each.close()


def test_two_versions_delivered_in_the_wrong_order_are_two_answers(house: House) -> None:
    first = house.land(b"one")
    second = house.land(b"three")
    receive = house.receive()
    assert receive("acme", PATH, second) is not None
    assert receive("acme", PATH, first) is None  # overwritten: there is nothing left to look at
    assert [result["face_count"] for result in house.results()] == [5]
    house.land(b"one")
    assert receive("acme", PATH, first) is not None
    assert sorted(result["face_count"] for result in house.results()) == [3, 5]


def test_a_photo_that_is_gone_leaves_no_trace(house: House) -> None:
    photo = house.land()
    (house.folder / photo.key).unlink()
    assert house.receive()("acme", PATH, photo) is None
    assert house.heard.uploads == []
    assert house.log.find("acme", photo.id) is None


def test_a_bad_photo_has_an_answer_that_says_why_and_costs_nothing(house: House) -> None:
    photo = house.land(b"not a photo")
    upload = house.receive()("acme", PATH, photo)
    assert upload is not None
    assert (upload.status, upload.code, upload.face_count) == (UploadStatus.FAILED, "UnsupportedImage", None)
    (result,) = house.results()
    assert result["status"] == "error"
    assert result["upload"]["id"] == photo.id
    assert house.meter.usage(HOUSE_KEY, MONTH).used == 0
    assert len(house.heard.uploads) == 1


def test_a_photo_that_is_too_large_is_told_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.usecases.receive_photo.MAX_UPLOAD_BYTES", 4)
    upload = house.receive()("acme", PATH, house.land())
    assert upload is not None
    assert upload.code == ImageTooLarge.__name__


def test_what_is_awaited_is_counted_under_the_key_that_asked(house: House) -> None:
    id = new_upload_id()
    house.log.add(Upload("acme", id, Payer("key-1", "basic"), Task(TaskKind.EMOTION), NOW))
    upload = house.receive()("acme", id, house.land(path=id))
    assert upload is not None
    assert (upload.id, upload.task) == (id, Task(TaskKind.EMOTION))
    assert house.meter.usage("key-1", MONTH).used == 1
    again = house.receive()("acme", id, house.land(b"another photo", path=id))  # under the same key
    assert again is not None
    assert again.id != id
    assert house.meter.usage(HOUSE_KEY, MONTH).used == 1


def test_when_the_month_is_used_up_the_answer_says_so(house: House) -> None:
    for _ in range(100):
        house.meter.take("key-1", MONTH, "face_analytics", None)
    id = new_upload_id()
    house.log.add(Upload("acme", id, Payer("key-1", "free"), None, NOW))
    upload = house.receive()("acme", id, house.land(path=id))
    assert upload is not None
    assert upload.code == "QuotaExceeded"
    assert house.meter.usage("key-1", MONTH).used == 100


def test_the_rule_that_fits_the_path_best_says_what_is_done(house: House) -> None:
    staff = Task(TaskKind.RECOGNISE, "staff")
    rules = UploadRules({"": Task(TaskKind.EMOTION), "door/": staff}, without=frozenset({Feature.AGE}))
    house.log.set_rules("acme", rules)
    receive = house.receive()
    door, hall = receive("acme", PATH, house.land()), receive("acme", "h.jpg", house.land(path="h.jpg"))
    assert door is not None
    assert hall is not None
    assert (door.task, hall.task) == (staff, Task(TaskKind.EMOTION))
    assert door.payer.without == {Feature.AGE}
    asked = receive("acme", "x.jpg", house.land(path="x.jpg"), Task())
    assert asked is not None
    assert asked.task == Task()


def test_a_store_that_is_down_leaves_the_photo_for_later(house: House) -> None:
    def down(_: Upload, __: bytes) -> dict[str, Any]:
        raise Unavailable("The gallery does not answer.")

    photo = house.land()
    with pytest.raises(Unavailable):
        replace(house.receive(keeps_photos=False), answers=Answers(down, failure))("acme", PATH, photo)
    assert house.log.find("acme", photo.id) is None
    upload = house.receive(keeps_photos=False)("acme", PATH, photo)
    assert upload is not None
    assert upload.status is UploadStatus.DONE
