from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mien.adapters import tables
from mien.adapters.dynamodb_meter import DynamoDbMeter
from mien.adapters.sqlite_meter import SqliteMeter
from mien.adapters.stores import open_meter
from mien.domain.errors import ConfigurationError, Unavailable
from tests.contracts.meter import MONTH, MeterContract
from tests.unit.conftest import OneCallAtATime


class TestSqliteMeter(MeterContract):
    @pytest.fixture
    def open_again(self, tmp_path: Path) -> Iterator[Callable[[], SqliteMeter]]:
        opened: list[SqliteMeter] = []

        def open_one() -> SqliteMeter:
            opened.append(SqliteMeter(tmp_path / "mien.sqlite"))
            return opened[-1]

        yield open_one
        for meter in opened:
            meter.close()

    @pytest.fixture
    def meter(self, open_again: Callable[[], SqliteMeter]) -> SqliteMeter:
        return open_again()


@pytest.fixture
def table(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(TableName="usage", BillingMode="PAY_PER_REQUEST", **tables.METER.schema)
    return client


class TestDynamoDbMeter(MeterContract):
    @pytest.fixture
    def open_again(self, table: Any) -> Callable[[], DynamoDbMeter]:
        client = OneCallAtATime(table)
        return lambda: DynamoDbMeter(client, "usage")

    @pytest.fixture
    def meter(self, open_again: Callable[[], DynamoDbMeter]) -> DynamoDbMeter:
        return open_again()

    def test_a_call_costs_one_write(self, meter: DynamoDbMeter, table: Any) -> None:
        calls: list[str] = []
        table.meta.events.register("provide-client-params.dynamodb.*", lambda model, **_: calls.append(model.name))
        meter.take("a", MONTH, "e", 100)
        assert calls == ["UpdateItem"]

    def test_a_call_that_comes_while_another_is_counted_is_counted_next(
        self, meter: DynamoDbMeter, table: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Photos of a tenant are counted in one row, by many functions at once."""
        monkeypatch.setattr("mien.adapters.aws._CONFLICT_PAUSE", 0)
        conflict = {"Error": {"Code": "TransactionCanceledException", "Message": "busy"}}
        reasons = {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]}
        answers = [conflict | reasons] * 2

        def refuse(**_: Any) -> None:
            if answers:
                raise ClientError(answers.pop(), "TransactWriteItems")

        table.meta.events.register("before-call.dynamodb.TransactWriteItems", refuse)
        assert meter.take_once("a", MONTH, "e", 100, "token")
        assert meter.usage("a", MONTH).used == 1

    def test_a_table_that_does_not_answer_is_unavailable(self, table: Any) -> None:
        with pytest.raises(Unavailable):
            DynamoDbMeter(table, "no-such-table").take("a", MONTH, "e", 1)


@pytest.mark.parametrize("address", ["", "sqlite:", "dynamodb", "memory"])
def test_an_address_nobody_answers_to_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:FILE"):
        open_meter(address)
