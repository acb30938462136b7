"""`mien uploads`, on a log of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mien.adapters import aws
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.cli import uploads
from mien.cli.main import mien
from mien.domain.plans import Feature
from mien.domain.uploads import Task, TaskKind, UploadRules
from tests.contracts.upload_log import NOW, awaited, done


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Result]:
    store = f"sqlite:{tmp_path / 'mien.sqlite'}"
    return lambda *words: CliRunner().invoke(mien, ["uploads", "--log", store, "--tenant", "acme", *words])


@pytest.fixture
def log(tmp_path: Path) -> Any:
    log = SqliteUploadLog(tmp_path / "mien.sqlite")
    yield log
    log.close()


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_was_finished_in_a_time_is_listed_page_by_page(
    command: Callable[..., Result], log: SqliteUploadLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_PAGE", 2)
    finished = [done(awaited(), NOW + timedelta(hours=hour)) for hour in range(5)]
    for upload in finished:
        log.finish(upload)
    listed = lines(command("list", "--since", "2026-11-21T12:00", "--until", "2026-11-21T15:30"))
    assert [line["id"] for line in listed] == [upload.id for upload in finished[:4]]
    assert listed[0]["status"] == "done"
    assert listed[0]["face_count"] == 2
    assert listed[0]["result_key"] == finished[0].result_key
    assert lines(command("list", "--since", "2026-11-22")) == []


def test_rules_are_set_shown_and_removed(command: Callable[..., Result], log: SqliteUploadLog) -> None:
    assert lines(command("rules")) == []
    rule = ("--prefix", "door/", "--task", "recognise", "--collection", "staff")
    door = {"prefix": "door/", "task": "recognise", "collection": "staff", "match_policy": "fmr_1e-4"}
    assert lines(command("rules", *rule)) == [door]
    everything = {"prefix": "", "task": "emotion", "collection": "default", "match_policy": "fmr_1e-4"}
    assert lines(command("rules", "--prefix", "", "--task", "emotion")) == [everything, door]
    assert lines(command("rules", "--without", "age", "--without", "gender"))[2] == {"without": ["age", "gender"]}
    assert log.rules("acme") == UploadRules(
        {"": Task(TaskKind.EMOTION), "door/": Task(TaskKind.RECOGNISE, "staff")},
        without=frozenset({Feature.AGE, Feature.GENDER}),
    )
    assert lines(command("rules", "--prefix", "door/", "--remove", "--without", "nothing")) == [everything]


@pytest.mark.parametrize(
    "words",
    [
        ("--task", "emotion"),
        ("--prefix", "door/"),
        ("--remove",),
        ("--prefix", "door/", "--task", "emotion", "--remove"),
        ("--prefix", "door/", "--task", "recognise", "--collection", "no such name"),
    ],
)
def test_half_a_rule_is_refused(command: Callable[..., Result], log: SqliteUploadLog, words: tuple[str, ...]) -> None:
    assert command("rules", *words).exit_code != 0
    assert log.rules("acme") == UploadRules()


class Sqs:
    """A client of a queue of dead letters that moves one message at each look."""

    def __init__(self, waiting: int, failure: str | None = None) -> None:
        self.waiting, self.moved, self.failure = waiting, 0, failure
        self.started = 0

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        values = {"QueueArn": "arn:dead", "ApproximateNumberOfMessages": str(self.waiting)}
        return {"Attributes": {name: values[name] for name in AttributeNames}}

    def start_message_move_task(self, SourceArn: str) -> dict[str, Any]:
        assert SourceArn == "arn:dead"
        self.started += 1
        return {"TaskHandle": "task"}

    def list_message_move_tasks(self, SourceArn: str, MaxResults: int) -> dict[str, Any]:
        if not self.started:
            return {"Results": []}
        if self.waiting:
            self.waiting, self.moved = self.waiting - 1, self.moved + 1
            return {"Results": [{"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": self.moved}]}
        task: dict[str, Any] = {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": self.moved}
        if self.failure:
            task |= {"Status": "FAILED", "FailureReason": self.failure}
        return {"Results": [task]}

    def close(self) -> None: ...


@pytest.fixture
def redrive(command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[[Sqs], Result]:
    def call(sqs: Sqs) -> Result:
        monkeypatch.setattr(aws, "client", lambda _: sqs)
        monkeypatch.setattr(uploads, "_SECONDS_BETWEEN_LOOKS", 0)
        return command("redrive", "--queue", "https://sqs/dead")

    return call


def test_photos_that_were_given_up_are_brought_back(redrive: Callable[[Sqs], Result]) -> None:
    sqs = Sqs(waiting=3)
    assert lines(redrive(sqs)) == [{"status": "moved", "moved": 3, "failure": None}]
    assert sqs.started == 1


def test_where_none_was_given_up_nothing_is_moved(redrive: Callable[[Sqs], Result]) -> None:
    sqs = Sqs(waiting=0)
    assert lines(redrive(sqs)) == [{"status": "empty", "moved": 0}]
    assert sqs.started == 0


def test_a_move_that_goes_on_already_is_followed(redrive: Callable[[Sqs], Result]) -> None:
    sqs = Sqs(waiting=3)
    sqs.started = 1
    assert lines(redrive(sqs))[0]["status"] == "moved"
    assert sqs.started == 1


def test_a_move_that_failed_says_why(redrive: Callable[[Sqs], Result]) -> None:
    result = redrive(Sqs(waiting=1, failure="CouldNotDetermineMessageSource"))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failure"] == "CouldNotDetermineMessageSource"
