from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from mien.adapters.event_bus import EventBusAnnouncer
from mien.adapters.stores import open_announcer
from mien.domain.errors import Unavailable
from tests.contracts.upload_log import PHOTO, awaited, done


@pytest.fixture
def queue(aws: None) -> str:
    """The address of a queue that hears all that is said on the bus `mien`."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="mien")
    pattern = {"source": ["mien"], "detail-type": ["Upload finished"]}
    events.put_rule(Name="all", EventBusName="mien", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="all", EventBusName="mien", Targets=[{"Id": "1", "Arn": arn}])
    return str(url)


def heard(queue: str) -> list[dict[str, Any]]:
    messages = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_whoever_listens_hears_what_became_of_an_upload(queue: str) -> None:
    announcer, upload = open_announcer("events:mien"), done(awaited())
    announcer.announce(upload)
    announcer.close()
    (event,) = heard(queue)
    assert event["detail"] == {
        "tenant": "acme",
        "id": upload.id,
        "status": "done",
        "code": None,
        "face_count": 2,
        "bucket": PHOTO.bucket,
        "key": PHOTO.key,
        "version": PHOTO.version,
        "result_key": f"results/acme/door/ü 1.jpg.{PHOTO.id}.json",
        "completed_at": "2026-11-21T12:00:00.000+00:00",
    }


def test_an_event_that_the_bus_does_not_take_is_told(aws: None) -> None:
    class Full:
        def put_events(self, Entries: list[Any]) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    with pytest.raises(Unavailable):
        EventBusAnnouncer(Full(), "mien").announce(done(awaited()))
