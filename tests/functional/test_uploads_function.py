"""Photos dropped into a bucket, through a queue, to the real handler: one answer each, whatever breaks on the way."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from PIL import Image as Pillow

from mien.adapters.dynamodb_uploads import DynamoDbUploadLog
from mien.domain.uploads import Task, TaskKind, UploadRules, UploadStatus
from tests.conftest import saved
from tests.functional.cloud import ARCHIVE, BUCKET, Cloud, Fault, Killed, down, kill_at, note

STEPS = 12  # more calls to AWS than a photo takes


@pytest.fixture
def obama(photo: Callable[[str], bytes]) -> bytes:
    return photo("obama")


def test_a_photo_that_is_dropped_is_answered_through_the_queue(cloud: Cloud, obama: bytes) -> None:
    cloud.drop("door/Präsident 1+1.jpg", obama)
    assert cloud.drain() == 1
    (result,) = cloud.results()
    assert (result["status"], result["face_count"]) == ("success", 1)
    assert result["faces"][0]["gender"] == "male"
    assert result["upload"]["key"] == f"uploads/{cloud.tenant}/door/Präsident 1+1.jpg"
    (row,) = cloud.rows()
    assert (row["status"]["S"], row["face_count"]["N"]) == ("done", "1")
    (event,) = cloud.events()
    assert (event["id"], event["status"], event["face_count"]) == (row["id"]["S"], "done", 1)
    assert json.load(cloud.s3.get_object(Bucket=BUCKET, Key=event["result_key"])["Body"]) == result
    assert cloud.counted() == 1


def test_answers_do_not_land_again(cloud: Cloud, obama: bytes) -> None:
    cloud.drop("a.jpg", obama)
    assert cloud.drain() == 1
    assert cloud.drain() == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("good", [True, False])
def test_wherever_the_function_is_killed_there_is_one_answer_in_the_end(
    cloud: Cloud, obama: bytes, when: str, good: bool
) -> None:
    """At every call to AWS, before it or after it was done; then again at the next; then whole."""
    for step in range(STEPS):
        landed = note(cloud.drop(f"{step}.jpg", obama if good else b"not a photo"))
        killed = False
        for again in range(2):
            try:
                with Fault(cloud, when, "*", kill_at(step + again)):
                    assert cloud.deliver(landed) == []
            except Killed:
                killed = True
        assert cloud.deliver(landed) == []
        assert len(cloud.results()) == len(cloud.rows()) == step + 1
        assert {row["status"]["S"] for row in cloud.rows()} == {"done" if good else "failed"}
        assert all(row["announced"]["BOOL"] for row in cloud.rows())
        assert len({event["id"] for event in cloud.events()}) == 1
        assert cloud.counted() == (step + 1 if good else 0)
        if not killed:
            assert step > 5
            return
    pytest.fail("There were more calls to be killed at.")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "service",
    [
        "s3.GetObject",
        "s3.PutObject",
        "dynamodb.GetItem",
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "dynamodb.TransactWriteItems",
        "events.PutEvents",
    ],
)
def test_while_a_store_is_down_a_photo_waits_in_the_queue(cloud: Cloud, obama: bytes, service: str, when: str) -> None:
    landed = note(cloud.drop("a.jpg", obama))
    with Fault(cloud, when, service, down):
        assert cloud.deliver(landed) == ["0"]
        again = cloud.deliver(landed)
        assert again == ["0"] or when == "after"  # a write whose answer was lost is done
    assert cloud.deliver(landed) == []
    assert len(cloud.results()) == len(cloud.rows()) == cloud.counted() == 1
    assert cloud.results()[0]["status"] == "success"


def test_of_a_batch_only_the_messages_that_failed_come_again(cloud: Cloud, obama: bytes) -> None:
    good, bad = note(cloud.drop("a.jpg", obama)), note(cloud.drop("b.jpg", b"not a photo"))
    gone = note(cloud.drop("c.jpg", obama))
    cloud.s3.delete_object(Bucket=BUCKET, Key=f"uploads/{cloud.tenant}/c.jpg", VersionId=version(gone))
    first = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET})
    assert cloud.deliver(good, bad, "nobody's message", gone, first, good) == ["2"]
    assert sorted(result["status"] for result in cloud.results()) == ["error", "success"]


def test_a_batch_that_fails_as_a_whole_says_so_of_each(cloud: Cloud) -> None:
    assert cloud.deliver("{", "[]") == ["0", "1"]


def test_one_message_of_many_photos_does_all_that_it_can(cloud: Cloud, obama: bytes) -> None:
    first, second = cloud.drop("a.jpg", obama), cloud.drop("b.jpg", obama)
    with Fault(cloud, "before", "s3.GetObject", fail_once()):
        assert cloud.deliver(note(first, second)) == ["0"]
    assert len(cloud.results()) == 1
    assert cloud.deliver(note(first, second)) == []
    assert len(cloud.results()) == cloud.counted() == 2


def test_versions_in_the_wrong_order_and_twice_have_an_answer_each(cloud: Cloud, obama: bytes) -> None:
    landed = [note(cloud.drop("a.jpg", data)) for data in (obama, b"not a photo", obama)]
    for body in (landed[2], landed[0], landed[1], landed[0], landed[2]):
        assert cloud.deliver(body) == []
    assert sorted(result["status"] for result in cloud.results()) == ["error", "success", "success"]
    assert len(cloud.rows()) == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unsupported_image"),
        (b"MZ" + bytes(1000), "unsupported_image"),
        (b"\xff\xd8\xff\xe0" + bytes(1000), "undecodable_image"),
        (bytes(25 * 1024 * 1024 + 1), "image_too_large"),
    ],
)
def test_a_poison_file_has_an_answer_that_says_why_and_costs_nothing(cloud: Cloud, data: bytes, code: str) -> None:
    assert cloud.deliver(note(cloud.drop("poison.jpg", data))) == []
    (result,), (event,) = cloud.results(), cloud.events()
    assert result["error"]["code"] == event["code"] == code
    assert cloud.counted() == 0


def test_an_image_bomb_has_an_answer_too(cloud: Cloud) -> None:
    bomb = saved(Pillow.new("L", (10_001, 10_000)), "PNG")
    assert cloud.deliver(note(cloud.drop("bomb.png", bomb))) == []
    assert cloud.results()[0]["error"]["code"] == "image_too_large"


def test_what_a_photo_says_of_itself_goes_before_what_its_prefix_says(cloud: Cloud, obama: bytes) -> None:
    rules = UploadRules({"door/": Task(TaskKind.RECOGNISE, "staff")})
    log = DynamoDbUploadLog(boto3.client("dynamodb"), "uploads")
    log.set_rules(cloud.tenant, rules)
    cloud.deliver(note(cloud.drop("door/a.jpg", obama)))
    cloud.deliver(note(cloud.drop("door/b.jpg", obama, Metadata={"mien-task": "emotion"})))
    cloud.deliver(note(cloud.drop("door/c.jpg", obama, Metadata={"mien-task": "admire"})))
    by_path = {result["upload"]["key"][-5]: result for result in cloud.results()}
    assert by_path["a"]["faces"][0]["recognition_uidresult"] == "unknown"
    assert by_path["a"]["upload"]["task"]["collection"] == "staff"
    assert "emotion" in by_path["b"]["faces"][0]
    assert by_path["c"]["error"]["code"] == "invalid_parameter"


def test_where_photos_are_not_kept_they_go_once_they_are_answered(cloud: Cloud, obama: bytes) -> None:
    landed = note(cloud.drop("a.jpg", obama))
    with deleting(cloud):
        with Fault(cloud, "before", "s3.DeleteObject", down):
            assert cloud.deliver(landed) == ["0"]
        assert cloud.deliver(landed) == cloud.deliver(landed) == []
    left = cloud.s3.list_object_versions(Bucket=BUCKET, Prefix=f"uploads/{cloud.tenant}/")
    assert "Versions" not in left
    assert "DeleteMarkers" not in left
    assert len(cloud.results()) == 1


class TestBackCatalogues:
    def batch(self, cloud: Cloud, *keys: str, **said: str) -> list[dict[str, Any]]:
        shared = {"tenant": cloud.tenant, "bucket": ARCHIVE, "task": "", "collection": "", "match_policy": ""}
        event = {"BatchInput": shared | said, "Items": [{"key": key} for key in keys]}
        uploads: list[dict[str, Any]] = cloud.handler.lambda_handler(event, None)["uploads"]
        return uploads

    def test_photos_of_any_bucket_are_answered_and_stay(self, cloud: Cloud, obama: bytes) -> None:
        keys = [f"{cloud.tenant}/2019/ü {number}.jpg" for number in range(2)]
        for key in keys:
            cloud.s3.put_object(Bucket=ARCHIVE, Key=key, Body=obama + key.encode())
        cloud.s3.put_object(Bucket=ARCHIVE, Key=f"{cloud.tenant}/notes.txt", Body=b"notes")
        with deleting(cloud):
            done = self.batch(cloud, *keys, f"{cloud.tenant}/notes.txt", f"{cloud.tenant}/gone.jpg", "folder/")
        assert [(each["status"], each.get("code")) for each in done] == [
            (UploadStatus.DONE, None),
            (UploadStatus.DONE, None),
            (UploadStatus.FAILED, "unsupported_image"),
            ("gone", None),
        ]
        assert json.loads(json.dumps(done))[0]["status"] == "done"
        assert len(cloud.results()) == 3
        assert cloud.s3.head_object(Bucket=ARCHIVE, Key=keys[0])

    def test_run_again_it_looks_at_no_photo_twice(self, cloud: Cloud, obama: bytes) -> None:
        key = f"{cloud.tenant}/a.jpg"
        cloud.s3.put_object(Bucket=ARCHIVE, Key=key, Body=obama)
        first = self.batch(cloud, key, task="emotion")
        with Fault(cloud, "before", "s3.GetObject", lambda: pytest.fail("The photo was read again.")):
            assert self.batch(cloud, key, task="emotion") == first
        assert len(cloud.results()) == cloud.counted() == 1
        assert cloud.results()[0]["upload"]["task"]["task"] == "emotion"

    def test_a_photo_that_landed_is_the_same_in_a_batch(self, cloud: Cloud, obama: bytes) -> None:
        landed = cloud.drop("a.jpg", obama)
        assert cloud.deliver(note(landed)) == []
        self.batch(cloud, landed["s3"]["object"]["key"], bucket=BUCKET)
        assert len(cloud.results()) == cloud.counted() == 1

    def test_where_a_store_fails_the_rest_is_done_before_the_batch_comes_again(
        self, cloud: Cloud, obama: bytes
    ) -> None:
        keys = [f"{cloud.tenant}/{number}.jpg" for number in range(3)]
        for key in keys:
            cloud.s3.put_object(Bucket=ARCHIVE, Key=key, Body=obama + key.encode())
        with (
            Fault(cloud, "before", "s3.GetObject", fail_once()),
            pytest.raises(Exception, match="does not answer"),
        ):
            self.batch(cloud, *keys)
        assert len(cloud.results()) == 2
        assert {each["status"] for each in self.batch(cloud, *keys)} == {"done"}
        assert len(cloud.results()) == cloud.counted() == 3


@contextmanager
def deleting(cloud: Cloud) -> Iterator[None]:
    """The function as it is where photos are not kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud.handler, "receive_photo", replace(cloud.handler.receive_photo, keeps_photos=False))
        yield


def version(body: str) -> str:
    return str(json.loads(body)["Records"][0]["s3"]["object"]["versionId"])


def fail_once() -> Callable[[], None]:
    calls = itertools.count()

    def strike() -> None:
        if next(calls) == 0:
            down()

    return strike
