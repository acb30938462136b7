from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.domain.errors import InvalidParameter, MalformedRequest
from mien.domain.uploads import PhotoVersion, Task, TaskKind
from mien.http.upload_events import Landing, batch_landings, landings


def record(key: str, name: str = "ObjectCreated:Put", **said: Any) -> dict[str, Any]:
    of = {"key": key, "size": 5, "eTag": "e1", "versionId": "v1", "sequencer": "0055"} | said
    return {"eventName": name, "s3": {"bucket": {"name": "photos"}, "object": of}}


def message(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def landing(tenant: str, path: str, version: str = "v1", etag: str = "e1") -> Landing:
    key = f"uploads/{tenant}/{path}"
    return Landing(tenant, path, "photos", key, PhotoVersion("photos", key, version, etag))


@pytest.mark.parametrize("name", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_a_photo_that_landed_in_any_way_is_found(name: str) -> None:
    found = landings(message(record("uploads/acme/door/photo.jpg", f"ObjectCreated:{name}")))
    assert found == [landing("acme", "door/photo.jpg")]


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("a+b.jpg", "a b.jpg"),
        ("a%2Bb.jpg", "a+b.jpg"),
        ("%C3%BC/%E7%85%A7%E7%89%87.png", "ü/照片.png"),
        ("100%25.jpg", "100%.jpg"),
        ("a%2Fb.jpg", "a/b.jpg"),
        ("%ff.jpg", "\ufffd.jpg"),
        ("noextension", "noextension"),
    ],
)
def test_keys_are_form_encoded(sent: str, path: str) -> None:
    assert landings(message(record(f"uploads/acme/{sent}"))) == [landing("acme", path)]
    assert landings(message(record(f"uploads%2Facme%2F{sent}"))) == [landing("acme", path)]


def test_without_a_version_or_sequencer_the_etag_is_the_version() -> None:
    event = record("uploads/acme/a.jpg")
    del event["s3"]["object"]["versionId"], event["s3"]["object"]["sequencer"]
    assert landings(message(event)) == [landing("acme", "a.jpg", version="e1")]


def test_without_either_the_store_must_be_asked() -> None:
    event = record("uploads/acme/a.jpg")
    del event["s3"]["object"]["versionId"], event["s3"]["object"]["eTag"]
    (found,) = landings(message(event))
    assert (found.key, found.photo) == ("uploads/acme/a.jpg", None)


@pytest.mark.parametrize(
    "event",
    [
        record("uploads/acme/a.jpg", "ObjectRemoved:Delete"),
        record("uploads/acme/a.jpg", "ObjectRemoved:DeleteMarkerCreated"),
        record("uploads/acme/a.jpg", "LifecycleExpiration:Delete"),
        record("results/acme/a.jpg.json"),
        record("elsewhere/acme/a.jpg"),
        record("uploads/a.jpg"),
        record("uploads/acme/"),
        record("uploads/acme/door/"),
        record("uploads//a.jpg"),
        record("acme/uploads/a.jpg"),
    ],
)
def test_what_is_no_new_photo_of_a_tenant_is_passed_over(event: dict[str, Any]) -> None:
    assert landings(message(event)) == []
    assert landings(message(event, record("uploads/acme/b.jpg"))) == [landing("acme", "b.jpg")]


def test_the_message_that_s3_sends_first_is_passed_over() -> None:
    assert landings(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"})) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", '{"Records": 5}', '{"Records": [{}]}'])
def test_a_message_of_somebody_else_is_told_so(text: str) -> None:
    with pytest.raises(MalformedRequest):
        landings(text)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_read_or_refused(value: Any) -> None:
    for text in (json.dumps(value), json.dumps({"Records": [value]}), json.dumps({"Records": value})):
        try:
            assert isinstance(landings(text), list)
        except MalformedRequest:
            continue


def batch(*keys: str, **shared: str) -> dict[str, Any]:
    return {"BatchInput": {"tenant": "acme", "bucket": "archive"} | shared, "Items": [{"key": key} for key in keys]}


def test_a_batch_names_photos_of_any_bucket() -> None:
    assert batch_landings(batch("2019/a b+c.jpg")) == [
        Landing("acme", "2019/a b+c.jpg", "archive", "2019/a b+c.jpg", photo=None, task=None)
    ]


def test_a_photo_of_the_tenants_own_prefix_is_the_same_as_when_it_landed() -> None:
    own, rivals = batch_landings(batch("uploads/acme/a.jpg", "uploads/rival/a.jpg"))
    assert (own.tenant, own.path) == ("acme", "a.jpg")
    assert (rivals.tenant, rivals.path) == ("acme", "uploads/rival/a.jpg")


def test_a_batch_may_say_what_is_to_be_done() -> None:
    (found,) = batch_landings(batch("a.jpg", task="recognise", collection="staff"))
    assert found.task == Task(TaskKind.RECOGNISE, "staff")
    with pytest.raises(InvalidParameter, match="task"):
        batch_landings(batch("a.jpg", task="admire"))


@pytest.mark.parametrize(
    "event", [{}, {"BatchInput": {}, "Items": []}, {"Items": [{"key": "a"}]}, {"BatchInput": None}]
)
def test_what_is_no_batch_is_told_so(event: dict[str, Any]) -> None:
    if event.get("BatchInput") == {}:
        assert batch_landings(event) == []
        return
    with pytest.raises(MalformedRequest):
        batch_landings(event)


def test_a_version_that_the_next_overwrites_is_none() -> None:
    assert PhotoVersion.of("b", "k", "e1", "null").id != PhotoVersion.of("b", "k", "e2", "null").id
    assert PhotoVersion.of("b", "k", "e1", "null") == PhotoVersion.of("b", "k", "e1", None)


def test_an_event_of_a_bucket_that_keeps_versions_no_longer_goes_by_the_etag() -> None:
    assert landings(message(record("uploads/acme/a.jpg", versionId="null"))) == [landing("acme", "a.jpg", version="e1")]


def test_folders_are_no_photos_of_a_batch() -> None:
    assert [found.key for found in batch_landings(batch("a/", "a/b.jpg"))] == ["a/b.jpg"]


def test_a_batch_may_leave_its_task_empty() -> None:
    (found,) = batch_landings(batch("a.jpg", task="", collection="", match_policy=""))
    assert found.task is None
    (found,) = batch_landings(batch("a.jpg", task="emotion", collection="", match_policy=""))
    assert found.task == Task(TaskKind.EMOTION)
