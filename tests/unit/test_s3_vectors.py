"""The S3 Vectors adapter on moto, which keeps vectors but cannot search them: the fake does that part exhaustively."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError

from mien.adapters.s3_vectors import S3VectorsSearch
from mien.adapters.sqlite_gallery import SqliteGallery
from mien.domain.errors import Unavailable
from tests.contracts.face_search import FaceSearchContract, probe
from tests.contracts.gallery import HERE, SPACE, FakeClock, delete, enrol, person

BUCKET = "faces"


class SearchingClient:
    """moto's client, and query_vectors by comparing with every vector that it lists."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query_vectors(self, topK: int, queryVector: dict[str, Any], **where: str) -> dict[str, Any]:
        pages = self._client.get_paginator("list_vectors").paginate(**where, returnData=True)
        stored = [vector for page in pages for vector in page["vectors"]]
        wanted = np.array(queryVector["float32"])
        distances = [1 - float(np.array(vector["data"]["float32"]) @ wanted) for vector in stored]
        best = np.argsort(distances)[:topK]
        return {"vectors": [{"key": stored[i]["key"]} for i in best], "distanceMetric": "cosine"}


@pytest.fixture
def gallery(sqlite_gallery: SqliteGallery) -> SqliteGallery:
    return sqlite_gallery


@pytest.fixture
def client(aws: None) -> SearchingClient:
    client = boto3.client("s3vectors")
    client.create_vector_bucket(vectorBucketName=BUCKET)
    return SearchingClient(client)


def opened(client: SearchingClient, gallery: SqliteGallery, clock: FakeClock) -> S3VectorsSearch:
    return S3VectorsSearch(client, BUCKET, gallery, SPACE, 512, clock, census_age=timedelta())


class TestS3VectorsSearch(FaceSearchContract):
    @pytest.fixture
    def search(self, client: SearchingClient, gallery: SqliteGallery, clock: FakeClock) -> S3VectorsSearch:
        return opened(client, gallery, clock)

    @pytest.fixture
    def another(self, client: SearchingClient, gallery: SqliteGallery, clock: FakeClock) -> S3VectorsSearch:
        return opened(client, gallery, clock)


def keys(client: SearchingClient) -> list[str]:
    (index,) = client.list_indexes(vectorBucketName=BUCKET)["indexes"]
    listed = client.list_vectors(vectorBucketName=BUCKET, indexName=index["indexName"])
    return sorted(vector["key"] for vector in listed["vectors"])


def test_fewer_faces_than_before_leave_no_vector_behind(
    client: SearchingClient, gallery: SqliteGallery, clock: FakeClock
) -> None:
    search = opened(client, gallery, clock)
    search.changed(HERE, "a/b", person("a/b", 3).templates)
    assert keys(client) == ["a/b/0", "a/b/1", "a/b/2"]
    search.changed(HERE, "a/b", person("a/b", 1).templates)
    assert keys(client) == ["a/b/0"]
    search.changed(HERE, "a/b", None)
    assert keys(client) == []


def test_an_index_that_missed_changes_finds_nobody_who_is_gone_and_is_rebuilt(
    client: SearchingClient, gallery: SqliteGallery, clock: FakeClock
) -> None:
    search = opened(client, gallery, clock)
    gone, missed = person("gone", 2, seed=1), person("missed", seed=2)
    subject = enrol(gallery, gone)
    search.changed(HERE, "gone", gone.templates)
    assert delete(gallery, subject)
    enrol(gallery, missed)
    assert list(search.search(HERE, [probe(gone)], 5).candidates) == [()]
    search.rebuild(HERE)
    assert keys(client) == ["missed/0"]
    assert search.search(HERE, [probe(missed)], 5).candidates[0][0].uid == "missed"


def test_a_failure_of_the_service_is_told_as_unavailable(
    client: SearchingClient, gallery: SqliteGallery, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "QueryVectors")

    monkeypatch.setattr(client, "query_vectors", throttled, raising=False)
    with pytest.raises(Unavailable, match="index"):
        opened(client, gallery, clock).search(HERE, [probe(person("jane"))], 1)


def test_a_query_has_the_parameters_that_the_real_service_takes(client: SearchingClient) -> None:
    shape = client.meta.service_model.operation_model("QueryVectors").input_shape
    assert {"vectorBucketName", "indexName", "topK", "queryVector"} <= set(shape.members)
    assert shape.members["queryVector"].members["float32"].type_name == "list"
