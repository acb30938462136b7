from __future__ import annotations

from typing import Any

import boto3
import pytest

from mien.adapters import tables
from mien.adapters.dynamodb_keys import DynamoDbKeyStore
from mien.domain.errors import Unavailable
from tests.contracts.key_store import KEY, KeyStoreContract


@pytest.fixture
def table(aws: None) -> Any:
    client = boto3.client("dynamodb")
    client.create_table(TableName="keys", BillingMode="PAY_PER_REQUEST", **tables.KEYS.schema)
    return client


class TestDynamoDbKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self, table: Any) -> DynamoDbKeyStore:
        return DynamoDbKeyStore(table, "keys")

    def test_the_secret_is_not_in_the_table(self, store: DynamoDbKeyStore, table: Any) -> None:
        store.put(KEY)
        assert "a secret" not in repr(table.scan(TableName="keys"))


def test_a_table_that_does_not_answer_is_unavailable(table: Any) -> None:
    with pytest.raises(Unavailable):
        DynamoDbKeyStore(table, "no-such-table").find("x")
