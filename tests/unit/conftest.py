"""Real stores for tests of what stands on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mien.adapters import tables
from mien.adapters.sqlite_gallery import SqliteGallery
from tests.contracts.gallery import FakeClock

TABLE = "galleries"


class OneCallAtATime:
    """A client whose calls do not overlap: in DynamoDB a transaction is isolated, in moto only so."""

    def __init__(self, client: Any) -> None:
        self._client, self._lock = client, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **parameters: Any) -> Any:
            with self._lock:
                return getattr(self._client, name)(*arguments, **parameters)

        return call


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sqlite_gallery(tmp_path: Path, clock: FakeClock) -> Iterator[SqliteGallery]:
    gallery = SqliteGallery(tmp_path / "mien.sqlite", clock)
    yield gallery
    gallery.close()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto in the place of AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """A client, and a table for galleries."""
    client = boto3.client("dynamodb")
    client.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST", **tables.GALLERY.schema)
    return client
