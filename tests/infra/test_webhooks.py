"""The webhooks' queue and function, in a stack of their own and held to the rules that every stack is held to."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from cfnlint.api import ManualArgs, lint

from infra.config import Config
from infra.constructs.durable_table import DurableTable
from infra.constructs.store import Store
from infra.constructs.webhooks import Webhooks
from infra.functions import WEBHOOKS
from infra.rules import hold_to_rules
from mien import settings
from mien.adapters import tables
from mien.domain.webhooks import MAX_TRIES, RETRY_WAITS
from tests.infra.synthesis import Synthesis, Template, strings

MAY = {
    "dynamodb:GetItem",
    "s3:GetObject",
    "s3:ListBucket",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("webhooks")
    app = cdk.App(outdir=str(folder / "out"))
    stack = cdk.Stack(app, "MienApi")
    neighbours = cdk.Stack(app, "MienData")
    Webhooks(
        stack,
        "Webhooks",
        config=Config(),
        bus=events.EventBus(neighbours, "Bus"),
        uploads=Store(settings.UPLOAD_LOG, DurableTable(neighbours, "Uploads", table=tables.KEYS, key=None)),
        results=s3.Bucket.from_bucket_name(neighbours, "Results", "results"),
        arn_in_rules="arn:<AWS::Partition>:s3:::results",
    )
    hold_to_rules(app)
    app.synth()
    return Synthesis(folder / "out", 0)


@pytest.fixture(scope="module")
def template(synthesis: Synthesis) -> Template:
    return synthesis.api


@pytest.fixture(scope="module")
def queues(template: Template) -> tuple[dict[str, Any], dict[str, Any]]:
    """The queue, and where it sets aside what failed."""
    found = template.of_type("AWS::SQS::Queue")
    (queue,) = [each["Properties"] for name, each in found.items() if name.startswith("WebhooksQueue")]
    (undelivered,) = [each["Properties"] for name, each in found.items() if name.startswith("WebhooksUndelivered")]
    return queue, undelivered


def test_finished_uploads_of_our_bus_go_to_the_queue(template: Template) -> None:
    rule = template.the_one("AWS::Events::Rule")
    assert rule["EventPattern"] == {"detail-type": ["Upload finished"]}
    assert "Bus" in str(rule["EventBusName"])
    (target,) = rule["Targets"]
    assert "WebhooksQueue" in str(target["Arn"])
    assert "WebhooksUndelivered" in str(target["DeadLetterConfig"]["Arn"])
    assert "InputPath" not in target  # the function reads the whole event


def test_a_message_is_tried_as_often_as_there_are_waits_and_then_set_aside(
    queues: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    queue, undelivered = queues
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_TRIES
    assert "WebhooksUndelivered" in str(queue["RedrivePolicy"]["deadLetterTargetArn"])
    for each in (queue, undelivered):
        assert each["MessageRetentionPeriod"] > sum(wait.total_seconds() for wait in RETRY_WAITS) * 4
        assert each["SqsManagedSseEnabled"] is True


def test_a_message_is_nobody_elses_for_six_times_what_the_function_may_take(
    template: Template, queues: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    function = template.functions()["webhooks"]
    assert queues[0]["VisibilityTimeout"] == 6 * function["Timeout"]


def test_one_receiver_neither_holds_up_another_nor_takes_every_function(template: Template) -> None:
    source = template.the_one("AWS::Lambda::EventSourceMapping")
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"] == {"MaximumConcurrency": 20}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_function_knows_its_stores(template: Template) -> None:
    function = template.functions()["webhooks"]
    variables = function["Environment"]["Variables"]
    assert variables.keys() == {settings.UPLOAD_LOG, settings.PHOTOS, settings.WEBHOOK_QUEUE}
    assert "sqs:" in strings(variables[settings.WEBHOOK_QUEUE])
    assert "dynamodb:" in strings(variables[settings.UPLOAD_LOG])
    assert variables[settings.PHOTOS] == "s3:results"
    assert function["MemorySize"] == WEBHOOKS.memory_mb


def test_the_function_may_do_what_it_needs_and_nothing_else(template: Template) -> None:
    statements = template.statements_of("webhooks")
    assert {action for each in statements for action in strings(each["Action"])} == MAY
    by_action = {action: each for each in statements for action in strings(each["Action"])}
    assert "".join(strings(by_action["s3:GetObject"]["Resource"])).endswith(":s3:::results/results/*")
    assert by_action["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": "results/*"}}
    for each in statements:
        assert each["Resource"] != "*" or "xray:PutTraceSegments" in each["Action"]


def test_an_alarm_tells_of_what_was_set_aside(template: Template) -> None:
    alarm = template.the_one("AWS::CloudWatch::Alarm")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert "WebhooksUndelivered" in str(alarm["Dimensions"])


def test_aws_finds_nothing_wrong(synthesis: Synthesis) -> None:
    report = synthesis.rule_report()
    assert (report["pluginName"], report["violations"]) == ("AwsSolutions", [])
    for file in synthesis.files:
        assert lint(file.read_text(encoding="utf-8"), config=ManualArgs(ignore_checks=["W3005"])) == []


def test_every_rule_not_followed_has_its_reason(synthesis: Synthesis) -> None:
    suppressed = {each["ruleName"]: each["reason"] for each in synthesis.rule_report()["suppressedViolations"]}
    assert suppressed.keys() == {
        "AwsSolutions-IAM5[Resource::*]",  # X-Ray
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::results/results/*]",
    }
    assert all(len(reason) > 20 for reason in suppressed.values())
