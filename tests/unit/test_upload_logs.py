from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from mien.adapters import tables
from mien.adapters.dynamodb_uploads import DynamoDbUploadLog
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.adapters.stores import open_upload_log
from mien.domain.errors import ConfigurationError, Unavailable
from mien.domain.uploads import Task, TaskKind, UploadRules
from tests.contracts.gallery import FakeClock
from tests.contracts.upload_log import NOW, PHOTO, RETENTION, UploadLogContract, awaited, done
from tests.unit.conftest import OneCallAtATime


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.now = NOW
    return clock


class TestSqliteUploadLog(UploadLogContract):
    @pytest.fixture
    def open_again(self, tmp_path: Path, clock: FakeClock) -> Iterator[Callable[[], SqliteUploadLog]]:
        opened: list[SqliteUploadLog] = []

        def open_one() -> SqliteUploadLog:
            opened.append(SqliteUploadLog(tmp_path / "mien.sqlite", RETENTION, clock))
            return opened[-1]

        yield open_one
        for log in opened:
            log.close()

    @pytest.fixture
    def log(self, open_again: Callable[[], SqliteUploadLog]) -> SqliteUploadLog:
        return open_again()


@pytest.fixture
def table(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(TableName="uploads", BillingMode="PAY_PER_REQUEST", **tables.UPLOADS.schema)
    return client


class TestDynamoDbUploadLog(UploadLogContract):
    @pytest.fixture
    def open_again(self, table: Any, clock: FakeClock) -> Callable[[], DynamoDbUploadLog]:
        client = OneCallAtATime(table)
        return lambda: DynamoDbUploadLog(client, "uploads", RETENTION, clock)

    @pytest.fixture
    def log(self, open_again: Callable[[], DynamoDbUploadLog]) -> DynamoDbUploadLog:
        return open_again()

    def test_dynamodb_is_told_when_to_remove_a_row(self, log: DynamoDbUploadLog, table: Any) -> None:
        upload = done(awaited(), NOW + timedelta(hours=1))
        log.finish(upload)
        (item,) = table.scan(TableName="uploads")["Items"]
        assert int(item[tables.TTL_ATTRIBUTE]["N"]) == (NOW + timedelta(hours=1) + RETENTION).timestamp()

    def test_a_row_that_was_removed_does_not_come_back_when_it_was_announced(
        self, log: DynamoDbUploadLog, table: Any
    ) -> None:
        log.set_announced("acme", PHOTO.id)
        assert table.scan(TableName="uploads")["Items"] == []

    def test_an_upload_whose_answer_was_lost_can_be_finished_again(self, log: DynamoDbUploadLog, table: Any) -> None:
        upload, broken = done(awaited()), [True]

        def lose(**_: Any) -> None:
            if broken.pop():
                broken.append(False)
                raise EndpointConnectionError(endpoint_url="https://dynamodb")

        table.meta.events.register("after-call.dynamodb.PutItem", lose)
        with pytest.raises(Unavailable):
            log.finish(upload)
        assert log.finish(upload) == upload == log.find("acme", upload.id)

    def test_an_expired_row_that_still_stands_makes_room_for_the_next(
        self, log: DynamoDbUploadLog, clock: FakeClock
    ) -> None:
        upload = done(awaited())
        log.finish(upload)
        clock.now = NOW + 2 * RETENTION
        again = done(upload, clock.now, faces=1)
        assert log.finish(again) == again == log.find("acme", upload.id)

    def test_a_table_that_does_not_answer_is_unavailable(self, table: Any) -> None:
        log = DynamoDbUploadLog(table, "nowhere")
        with pytest.raises(Unavailable):
            log.find("acme", PHOTO.id)
        with pytest.raises(Unavailable):
            log.finish(done(awaited()))

    def test_a_rule_for_every_path_is_kept(self, log: DynamoDbUploadLog) -> None:
        rules = UploadRules({"": Task(TaskKind.EMOTION)})
        log.set_rules("acme", rules)
        assert log.rules("acme") == rules


def test_an_address_names_the_log(aws: None) -> None:
    log = open_upload_log("dynamodb:uploads", RETENTION)
    assert isinstance(log, DynamoDbUploadLog)
    log.close()
    with pytest.raises(ConfigurationError, match=r"sqlite:FILE or dynamodb:TABLE"):
        open_upload_log("uploads")
