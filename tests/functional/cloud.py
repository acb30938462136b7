"""What the stacks make for uploads, of moto's S3, SQS, DynamoDB and EventBridge, with the real handler in it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
from botocore.exceptions import EndpointConnectionError

from mien.adapters import tables
from mien.domain.usage import month_of
from mien.local.environment import LocalContext
from mien.ports.clock import utc_now

BUCKET = "photos"
ARCHIVE = "archive"
TABLES = {"uploads": tables.UPLOADS, "meter": tables.METER, "gallery": tables.GALLERY}


class Killed(BaseException):
    """The function's process ended."""


class Cloud:
    """What is deployed, with the real handler; `tenant` is whose test it is."""

    def __init__(self, handler: ModuleType) -> None:
        self.handler = handler
        self.s3, self.sqs = boto3.client("s3"), boto3.client("sqs")
        self.tenant = ""

    def drop(self, path: str, data: bytes, **options: Any) -> dict[str, Any]:
        """Put a photo under the tenant's prefix; the record of S3's notification."""
        key = f"uploads/{self.tenant}/{path}"
        put = self.s3.put_object(Bucket=BUCKET, Key=key, Body=data, **options)
        of = {"key": key, "size": len(data), "eTag": put["ETag"].strip('"'), "versionId": put["VersionId"]}
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": BUCKET}, "object": of | {"sequencer": "0055AED6DCD90281E5"}},
        }

    def deliver(self, *bodies: str) -> list[str]:
        """Hand a batch of messages to the function; which of them failed."""
        records = [message(str(number), body) for number, body in enumerate(bodies)]
        answer = self.handler.lambda_handler({"Records": records}, LocalContext("uploads", "request-1"))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def drain(self) -> int:
        """Take what is in the queue, as Lambda does; how many messages came."""
        came = 0
        for messages in self.take("landed"):
            assert self.deliver(*(each["Body"] for each in messages)) == []
            came += len(messages)
        return came

    def results(self) -> list[dict[str, Any]]:
        pages = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"results/{self.tenant}/").get("Contents", [])
        return [json.load(self.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"]) for each in pages]

    def rows(self) -> list[dict[str, Any]]:
        items = boto3.client("dynamodb").scan(TableName="uploads")["Items"]
        return [each for each in items if each["tenant"]["S"] == self.tenant and "status" in each]

    def events(self) -> list[dict[str, Any]]:
        """What was told of the tenant's uploads since this was last asked."""
        heard = [json.loads(each["Body"])["detail"] for batch in self.take("heard") for each in batch]
        return [event for event in heard if event["tenant"] == self.tenant]

    def take(self, queue: str) -> Iterator[list[dict[str, Any]]]:
        """The messages of a queue, batch by batch; each is gone when the next is asked for."""
        url = queue_url(queue)
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            yield messages
            for each in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])

    def counted(self) -> int:
        meter = self.handler.receive_photo.meter
        used: int = meter.usage(f"uploads:{self.tenant}", month_of(utc_now())).used
        return used

    def clients(self) -> list[Any]:
        receive = self.handler.receive_photo
        return [port._client for port in (receive.photos, receive.log, receive.meter, receive.announcer)]


class Fault:
    """Something that happens at a call to AWS, while it is in force: before the call, or after it was done."""

    def __init__(self, cloud: Cloud, when: str, service: str, strike: Callable[[], None]) -> None:
        self._clients, self._hook, self._strike = cloud.clients(), f"{when}-call.{service}", strike

    def __enter__(self) -> None:
        for client in self._clients:
            client.meta.events.register(self._hook, self._struck)

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.meta.events.unregister(self._hook, self._struck)

    def _struck(self, **_: Any) -> None:
        self._strike()


def kill_at(step: int) -> Callable[[], None]:
    calls = itertools.count()

    def strike() -> None:
        if next(calls) == step:
            raise Killed

    return strike


def down() -> None:
    raise EndpointConnectionError(endpoint_url="https://aws")


def message(id: str, body: str) -> dict[str, Any]:
    """As Lambda hands it over."""
    return {"messageId": id, "receiptHandle": id, "body": body, "attributes": {}, "eventSource": "aws:sqs"}


def note(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def queue_url(name: str) -> str:
    return str(boto3.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def queue(name: str) -> str:
    """The ARN of a new queue."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def deploy() -> None:
    """What the stacks make."""
    s3, events = boto3.client("s3"), boto3.client("events")
    for bucket in (BUCKET, ARCHIVE):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    landed = {
        "QueueArn": queue("landed"),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}},
    }
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [landed]})
    for name, table in TABLES.items():
        boto3.client("dynamodb").create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **table.schema)
    events.create_event_bus(Name="mien")
    events.put_rule(Name="all", EventBusName="mien", EventPattern='{"source": ["mien"]}')
    events.put_targets(Rule="all", EventBusName="mien", Targets=[{"Id": "1", "Arn": queue("heard")}])
