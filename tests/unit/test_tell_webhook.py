"""A webhook hears every answer, whatever breaks off. Stores are real ones on a disk, the receiver a real web server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import standardwebhooks

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_outbox import Notice, SqliteOutbox
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.adapters.stores import open_retry_queue
from mien.domain.errors import (
    ConfigurationError,
    FunctionFailed,
    MalformedRequest,
    MienError,
    Unavailable,
    UrlNotFetched,
)
from mien.domain.uploads import Payer, PhotoVersion, Task, TaskKind, Upload, UploadRules, UploadStatus, new_upload_id
from mien.domain.webhooks import MAX_TRIES, RETRY_WAITS
from mien.http.limits import HIDDEN_SECONDS
from mien.http.webhooks import WebhookMessages, finished_upload
from mien.local.environment import LocalContext
from mien.local.webhooks import LocalWebhooks
from mien.usecases.manage_webhook import ManageWebhook
from mien.usecases.tell_webhook import TellWebhook, Told
from tests.web_server import OTHER_PUBLIC, PUBLIC, SECONDS, Play, WebServer, answer, endless, redirect

URL = "https://photos.example/hook"
TENANT = "acme"
CONTEXT = LocalContext("webhooks", "request")


class Killed(BaseException):
    """The process was."""


def killed(*_: Any) -> None:
    raise Killed


class House:
    """The stores of one deployment on a laptop, at a time of its own."""

    def __init__(self, folder: Path, web: WebServer) -> None:
        self.now = datetime.now(UTC)
        self.web, self.poster = web, web.poster()
        self.database = folder / "mien.sqlite"
        self.log = SqliteUploadLog(self.database)
        self.photos = FolderPhotoStore(folder)
        self.outbox = SqliteOutbox(self.database, self.clock)
        self.tell = TellWebhook(self.log, self.photos, self.poster, self.clock)
        self.manage = ManageWebhook(self.log, self.poster, self.clock)

    def clock(self) -> datetime:
        return self.now

    def finish(
        self,
        body: bytes | None = b'{"status": "success"}',
        tenant: str = TENANT,
        status: UploadStatus = UploadStatus.DONE,
    ) -> Upload:
        """An upload that was answered, and announced."""
        photo = PhotoVersion("photos", f"uploads/{tenant}/a.jpg", new_upload_id(), "etag")
        payer = Payer("key", "basic")
        upload = Upload(tenant, photo.id, payer, Task(), self.now, photo, status, completed_at=self.now)
        if body is not None:
            self.photos.put_answer(upload.result_key, body)
        self.log.finish(upload)
        self.outbox.announce(upload)
        return upload

    def messages(self) -> WebhookMessages:
        return WebhookMessages(self.tell, self.outbox)

    def waiting(self) -> list[Notice]:
        """All that is yet to be told, however long it is put off."""
        with closing(SqliteOutbox(self.database, lambda: self.now + timedelta(days=100))) as later:
            return list(iter(lambda: later.take(timedelta(days=1)), None))

    def received(self) -> list[tuple[dict[str, str], bytes]]:
        """Headers in lower case, and the body, of every post."""
        posts = []
        for request in self.web.requests:
            head, _, body = request.partition("\r\n\r\n")
            pairs = (line.partition(": ")[::2] for line in head.split("\r\n")[1:])
            posts.append(({name.lower(): value for name, value in pairs}, body.encode("latin-1")))
        return posts

    def close(self) -> None:
        self.outbox.close()
        self.log.close()
        self.poster.close()


@pytest.fixture
def house(web_server: WebServer, tmp_path: Path) -> Iterator[House]:
    web_server.reset(answer(b""))
    house = House(tmp_path, web_server)
    yield house
    house.close()


@pytest.fixture
def secret(house: House) -> str:
    return house.manage.name(TENANT, URL)


def in_turn(*plays: Play) -> Play:
    left = iter(plays)
    return lambda connection, request: next(left)(connection, request)


def status(text: str) -> Play:
    return answer(b"", text)


# What is told, and what becomes of it


def test_the_very_answer_arrives_signed(house: House, secret: str) -> None:
    body = b'{"status":  "success", "who": "\\u00fc"}\n'
    upload = house.finish(body)
    assert house.tell(TENANT, upload.id) is Told.DELIVERED
    ((headers, received),) = house.received()
    assert received == body
    assert headers["webhook-id"] == upload.id
    standardwebhooks.Webhook(secret).verify(received, headers)


def test_refused_photos_are_told_too(house: House, secret: str) -> None:
    upload = house.finish(b'{"status": "error"}', status=UploadStatus.FAILED)
    assert house.tell(TENANT, upload.id) is Told.DELIVERED
    ((_, body),) = house.received()
    assert body == b'{"status": "error"}'


def test_without_a_webhook_nothing_is_posted(house: House) -> None:
    upload = house.finish()
    assert house.tell(TENANT, upload.id) is Told.NOTHING
    assert house.received() == []


def test_another_tenants_upload_is_not_told(house: House, secret: str) -> None:
    upload = house.finish(tenant="other")
    assert house.tell(TENANT, upload.id) is Told.NOTHING
    assert house.tell("other", upload.id) is Told.NOTHING
    assert house.received() == []


def test_an_answer_that_was_deleted_is_not_told(house: House, secret: str) -> None:
    assert house.tell(TENANT, house.finish(body=None).id) is Told.NOTHING
    assert house.tell(TENANT, new_upload_id()) is Told.NOTHING


def test_a_photo_that_is_still_awaited_is_not_told(house: House, secret: str) -> None:
    upload = Upload(TENANT, new_upload_id(), Payer("key", "basic"), Task(), house.now)
    house.log.add(upload)
    assert house.tell(TENANT, upload.id) is Told.NOTHING


@pytest.mark.parametrize("line", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Fine"])
def test_any_success_is_delivered(house: House, secret: str, line: str) -> None:
    house.web.play = status(line)
    assert house.tell(TENANT, house.finish().id) is Told.DELIVERED


def test_a_receiver_that_is_gone_is_not_tried_again(house: House, secret: str) -> None:
    house.web.play = status("410 Gone")
    assert house.tell(TENANT, house.finish().id) is Told.REFUSED


@pytest.mark.parametrize("line", ["302 Found", "308 Permanent", "400 Bad", "401 No", "404 No", "429 Slow", "500 Oh"])
def test_anything_else_is_for_another_try(house: House, secret: str, line: str) -> None:
    house.web.play = status(line)
    with pytest.raises(UrlNotFetched, match=line[:3]):
        house.tell(TENANT, house.finish().id)


def test_a_rotated_secret_signs_beside_the_old_one_for_a_while(house: House, secret: str) -> None:
    upload = house.finish()
    new = house.manage.rotate(TENANT, timedelta(hours=1))
    house.tell(TENANT, upload.id)
    house.now += timedelta(hours=1)
    house.tell(TENANT, upload.id)
    (both, body), (alone, _) = house.received()
    standardwebhooks.Webhook(secret).verify(body, both)
    standardwebhooks.Webhook(new).verify(body, both)
    assert len(both["webhook-signature"].split()) == 2
    assert len(alone["webhook-signature"].split()) == 1


def test_naming_rotating_and_removing_leave_other_rules_alone(house: House) -> None:
    tasks = {"door/": Task(TaskKind.EMOTION)}
    house.log.set_rules(TENANT, UploadRules(tasks=tasks))
    house.manage.name(TENANT, URL)
    house.manage.rotate(TENANT, timedelta(hours=1))
    assert house.log.rules(TENANT).tasks == tasks
    house.manage.remove(TENANT)
    assert house.log.rules(TENANT) == UploadRules(tasks=tasks)


# Through the queue


def event(notice: Notice, **other: str) -> dict[str, Any]:
    """As SQS hands over what EventBridge put there."""
    body = {
        "version": "0",
        "id": "event",
        "source": "mien",
        "detail-type": "Upload finished",
        "detail": {"tenant": notice.tenant, "id": notice.id, "status": "done"},
    }
    record = {
        "messageId": notice.id,
        "receiptHandle": notice.receipt,
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(notice.tries)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:webhooks",
        "awsRegion": "eu-central-1",
    }
    return {"Records": [record | other]}


def take(house: House) -> Notice:
    notice = house.outbox.take(timedelta(seconds=HIDDEN_SECONDS))
    assert notice is not None
    return notice


def test_a_receiver_that_fails_once_hears_the_same_a_minute_later(house: House, secret: str) -> None:
    house.web.play = in_turn(status("500 Oh"), status("200 OK"))
    house.finish()
    first = take(house)
    failures = house.messages()(event(first), CONTEXT)
    assert failures == {"batchItemFailures": [{"itemIdentifier": first.id}]}
    house.now += RETRY_WAITS[0] / 2 - timedelta(seconds=1)
    assert house.outbox.take(timedelta(0)) is None
    house.now += RETRY_WAITS[0] / 2 + timedelta(seconds=1)
    again = take(house)
    assert again == replace(first, tries=2)
    assert house.messages()(event(again), CONTEXT) == {"batchItemFailures": []}
    (one, body), (two, same_body) = house.received()
    assert body == same_body
    assert one["webhook-id"] == two["webhook-id"]
    assert int(two["webhook-timestamp"]) == int(one["webhook-timestamp"]) + 60
    assert one["webhook-signature"] != two["webhook-signature"]


@pytest.mark.parametrize("tries", range(1, MAX_TRIES + 1))
def test_each_try_that_fails_waits_as_long_as_its_number_says(house: House, secret: str, tries: int) -> None:
    house.web.names["photos.example"] = [OTHER_PUBLIC]  # no route
    house.finish()
    notice = take(house)
    house.messages()(event(replace(notice, tries=tries)), CONTEXT)
    longest = RETRY_WAITS[tries - 1] if tries < MAX_TRIES else timedelta(0)
    if longest:
        house.now += longest / 2 - timedelta(seconds=1)
        assert house.outbox.take(timedelta(0)) is None
    house.now += longest / 2 + timedelta(seconds=1)
    assert house.outbox.take(timedelta(0)) is not None


def down(house: House) -> None:
    house.web.names["photos.example"] = [OTHER_PUBLIC]  # to which there is no route


def unknown(house: House) -> None:
    house.web.names.clear()


def turned_inside(house: House) -> None:
    house.web.names["photos.example"] = ["127.0.0.1"]


def silent(house: House) -> None:
    house.web.play = endless(b"", b"", pause=SECONDS)


def redirecting(house: House) -> None:
    house.web.play = redirect("https://photos.example/elsewhere")


def failing(house: House) -> None:
    house.web.play = status("503 Oh")


def of_another_certificate(house: House) -> None:
    house.web.names["other.example"] = [PUBLIC]
    hook = house.log.rules(TENANT).webhook
    assert hook is not None
    house.log.set_rules(TENANT, UploadRules(webhook=replace(hook, url="https://other.example/")))


@pytest.mark.parametrize(
    "fault",
    [down, unknown, turned_inside, silent, redirecting, failing, of_another_certificate],
    ids=lambda f: f.__name__,
)
def test_whatever_is_wrong_with_a_receiver_it_hears_when_it_is_mended(
    house: House, secret: str, fault: Callable[[House], None]
) -> None:
    rules = house.log.rules(TENANT)
    upload = house.finish()
    fault(house)
    notice = take(house)
    assert house.messages()(event(notice), CONTEXT)["batchItemFailures"] == [{"itemIdentifier": upload.id}]
    house.web.play, house.web.names["photos.example"] = answer(b""), [PUBLIC]
    house.log.set_rules(TENANT, rules)
    house.web.requests.clear()
    house.now += RETRY_WAITS[0]
    assert house.messages()(event(take(house)), CONTEXT) == {"batchItemFailures": []}
    ((headers, body),) = house.received()
    assert (headers["webhook-id"], body) == (upload.id, b'{"status": "success"}')


def test_a_bug_of_ours_is_logged_with_its_traceback_and_put_off(
    house: House, secret: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(*_: Any) -> bytes:
        raise RuntimeError("a bug")

    house.finish()
    monkeypatch.setattr(FolderPhotoStore, "answer", bug)
    notice = take(house)
    assert house.messages()(event(notice), CONTEXT)["batchItemFailures"] == [{"itemIdentifier": notice.id}]
    (line,) = caplog.records
    assert vars(line)["code"] == "internal"
    assert line.exc_info is not None
    house.now += RETRY_WAITS[0]
    assert house.outbox.take(timedelta(0)) is not None


def test_a_message_of_something_else_fails_and_is_put_off(house: House) -> None:
    house.finish()
    notice = take(house)
    failures = house.messages()(event(notice, body='{"detail-type": "Other", "detail": {}}'), CONTEXT)
    assert failures["batchItemFailures"] == [{"itemIdentifier": notice.id}]
    house.now += timedelta(seconds=29)
    assert house.outbox.take(timedelta(0)) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"detail-type": "Upload finished", "detail": {"id": "1"}}'])
def test_what_is_of_no_finished_upload_is_told(text: str) -> None:
    with pytest.raises(MalformedRequest):
        finished_upload(text)


def test_a_store_that_is_down_is_waited_for(house: House, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> UploadRules:
        raise Unavailable("The upload log cannot be read or written.")

    house.finish()
    monkeypatch.setattr(SqliteUploadLog, "rules", down)
    notice = take(house)
    assert house.messages()(event(notice), CONTEXT)["batchItemFailures"] == [{"itemIdentifier": notice.id}]


def test_one_that_fails_does_not_hold_up_others(house: House, secret: str) -> None:
    house.web.play = in_turn(status("500 Oh"), status("200 OK"))
    house.finish(), house.finish()
    first, second = take(house), take(house)
    both = {"Records": event(first)["Records"] + event(second)["Records"]}
    assert house.messages()(both, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": first.id}]}


def test_no_log_line_holds_a_secret_or_the_url(house: House, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    house.web.play = in_turn(status("500 Oh"), status("200 OK"))
    house.finish(), house.finish()
    for notice in (take(house), take(house)):
        house.messages()(event(notice), CONTEXT)
    lines = [vars(record) for record in caplog.records]
    assert [(line.get("code"), line.get("told")) for line in lines] == [("url_not_fetched", None), (None, "delivered")]
    assert secret not in str(lines)
    assert "photos.example" not in str(lines)


def test_on_sqs_the_message_itself_is_put_off(aws: None, house: House, secret: str) -> None:
    house.web.play = status("500 Oh")
    upload = house.finish()
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="webhooks", Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=event(Notice(TENANT, upload.id, 1))["Records"][0]["body"])
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    queue = open_retry_queue(f"sqs:{url}")
    record = event(Notice(TENANT, upload.id, MAX_TRIES), receiptHandle=message["ReceiptHandle"], body=message["Body"])
    WebhookMessages(house.tell, queue)(record, CONTEXT)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1  # the last try is not waited for
    queue.close()


def test_sqs_hides_a_message_for_the_wait(aws: None) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="webhooks", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="message")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    queue = open_retry_queue(f"sqs:{url}")
    queue.retry_after(message["ReceiptHandle"], RETRY_WAITS[0])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    with pytest.raises(Unavailable):
        queue.retry_after("no receipt", RETRY_WAITS[0])
    queue.close()


def test_a_queue_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sqs:URL"):
        open_retry_queue("kafka:topic")


# On a laptop


class InProcess:
    """A LocalFunction without a process; it can be killed on either side of what it does."""

    def __init__(self, handle: Callable[[dict[str, Any], Any], dict[str, Any]]) -> None:
        self.handle, self.starts = handle, 0
        self.dies = ""

    async def start(self) -> None:
        self.starts += 1

    async def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        dies, self.dies = self.dies, ""
        if dies == "before":
            raise FunctionFailed
        done = self.handle(event, CONTEXT)
        if dies == "after":
            raise FunctionFailed
        return done


@pytest.fixture
def function(house: House) -> InProcess:
    return InProcess(house.messages())


@pytest.fixture
def local(house: House, function: InProcess) -> LocalWebhooks:
    return LocalWebhooks(house.outbox, house.log, function)


def tell_due(local: LocalWebhooks) -> None:
    asyncio.run(local.tell_due())


def test_what_is_due_is_told_and_forgotten(
    house: House, secret: str, local: LocalWebhooks, function: InProcess
) -> None:
    uploads = [house.finish(), house.finish()]
    tell_due(local)
    assert {headers["webhook-id"] for headers, _ in house.received()} == {upload.id for upload in uploads}
    assert function.starts == 1
    assert house.waiting() == []


def test_a_tenant_without_a_webhook_costs_no_process(house: House, local: LocalWebhooks, function: InProcess) -> None:
    house.finish()
    tell_due(local)
    assert function.starts == 0
    assert house.waiting() == []


def test_what_failed_comes_again_in_its_time_and_no_sooner(house: House, secret: str, local: LocalWebhooks) -> None:
    house.web.play = in_turn(status("500 Oh"), redirect("/elsewhere"), status("200 OK"))
    house.finish()
    for longest, tried in ((RETRY_WAITS[0], 1), (RETRY_WAITS[1], 2), (timedelta(0), 3)):
        tell_due(local)
        tell_due(local)
        assert len(house.received()) == tried
        house.now += longest
    assert house.waiting() == []


def test_after_the_last_try_it_is_given_up(house: House, secret: str, local: LocalWebhooks, caplog: Any) -> None:
    house.web.play = status("500 Oh")
    upload = house.finish()
    for _ in range(MAX_TRIES):
        tell_due(local)
        house.now += max(RETRY_WAITS)
    assert len(house.received()) == MAX_TRIES
    assert house.waiting() == []
    assert f"never heard of {upload.id}" in caplog.text


@pytest.mark.parametrize(("dies", "posts"), [("before", 1), ("after", 2)])
def test_a_function_that_dies_tells_again_the_same_under_the_same_id(
    house: House, secret: str, local: LocalWebhooks, function: InProcess, dies: str, posts: int
) -> None:
    function.dies = dies
    house.finish()
    with pytest.raises(MienError):
        tell_due(local)
    house.now += timedelta(seconds=HIDDEN_SECONDS)
    tell_due(local)
    assert len(house.received()) == posts
    assert len({(headers["webhook-id"], body) for headers, body in house.received()}) == 1
    assert house.waiting() == []


def test_a_server_that_dies_before_it_forgets_tells_again(
    house: House, secret: str, local: LocalWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.finish()
    with monkeypatch.context() as broken:
        broken.setattr(SqliteOutbox, "remove", killed)
        with pytest.raises(Killed):
            tell_due(local)
    house.now += timedelta(seconds=HIDDEN_SECONDS)
    tell_due(local)
    assert len(house.received()) == 2
    assert len({(headers["webhook-id"], body) for headers, body in house.received()}) == 1
    assert house.waiting() == []


def test_a_webhook_that_is_removed_meanwhile_hears_no_more(house: House, secret: str, local: LocalWebhooks) -> None:
    house.web.play = status("500 Oh")
    house.finish()
    tell_due(local)
    house.manage.remove(TENANT)
    house.now += RETRY_WAITS[0]
    tell_due(local)
    assert len(house.received()) == 1
    assert house.waiting() == []


def test_an_upload_announced_twice_waits_once(house: House) -> None:
    upload = house.finish()
    house.outbox.announce(upload)
    assert [notice.id for notice in house.waiting()] == [upload.id]
