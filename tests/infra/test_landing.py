"""Where photos land, and how whole buckets are handed to the function that looks at them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.constructs.back_catalogue import definition
from infra.functions import UPLOADS
from mien.domain.uploads import PHOTOS_AT_ONCE
from mien.http.upload_events import batch_landings
from tests.infra.synthesis import Synthesis, strings

ARCHIVES = {":s3:::archive", ":s3:::holidays-2019"}


def queues(synthesis: Synthesis) -> tuple[dict[str, Any], dict[str, Any]]:
    """That of photos, and that of those given up."""
    of_photos, given_up = sorted(
        synthesis.data.properties("AWS::SQS::Queue"), key=lambda queue: "RedrivePolicy" not in queue
    )
    return of_photos, given_up


def rules(synthesis: Synthesis) -> dict[str, int]:
    """After how many days objects go, by prefix."""
    bucket = synthesis.data.the_one("AWS::S3::Bucket")
    found = bucket["LifecycleConfiguration"]["Rules"]
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in found if "Prefix" in rule}


def test_the_bucket_is_closed_encrypted_and_keeps_versions(either: Synthesis) -> None:
    bucket = either.data.the_one("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = either.data.the_one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_photos_answers_and_what_is_left_over_go_in_time(plain: Synthesis, switched: Synthesis) -> None:
    assert rules(plain) == {"uploads/": 30, "results/": 365, "batches/": 30}
    assert rules(switched) == {"uploads/": 14, "results/": 90, "batches/": 30}  # those that nobody could look at
    found = plain.data.the_one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    (everything,) = [rule for rule in found if "Prefix" not in rule]
    assert everything["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert everything["ExpiredObjectDeleteMarker"] is True
    assert everything["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_browsers_may_post_and_nothing_else(plain: Synthesis) -> None:
    (rule,) = plain.data.the_one("AWS::S3::Bucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST"]


def test_s3_tells_the_queue_of_photos_alone(plain: Synthesis) -> None:
    bucket = plain.data.the_one("AWS::S3::Bucket")
    assert bucket["NotificationConfiguration"].keys() == {"QueueConfigurations"}
    (told,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    assert told["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "uploads/"}]
    names = {name: each["Properties"] for name, each in plain.data.of_type("AWS::SQS::Queue").items()}
    assert "RedrivePolicy" in names[told["Queue"]["Fn::GetAtt"][0]]


def test_s3_may_write_to_the_queue_before_the_bucket_says_so(plain: Synthesis) -> None:
    ((_, bucket),) = plain.data.of_type("AWS::S3::Bucket").items()
    policies = plain.data.of_type("AWS::SQS::QueuePolicy")
    (allowing,) = [
        (name, statement)
        for name, policy in policies.items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert allowing[0] in bucket["DependsOn"]
    assert allowing[1]["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowing[1]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_no_function_is_made_to_set_it_up(plain: Synthesis) -> None:
    assert plain.data.of_type("AWS::Lambda::Function") == {}


def test_a_photo_is_tried_five_times_and_then_kept_apart_for_as_long_as_can_be(plain: Synthesis) -> None:
    of_photos, given_up = queues(plain)
    assert of_photos["RedrivePolicy"]["maxReceiveCount"] == 5
    for queue in (of_photos, given_up):
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert queue["SqsManagedSseEnabled"] is True
    assert of_photos["VisibilityTimeout"] == 6 * UPLOADS.timeout_seconds


def test_the_function_takes_a_few_photos_at_a_time_and_says_which_failed(plain: Synthesis, switched: Synthesis) -> None:
    for synthesis in (plain, switched):
        (source,) = [
            each
            for each in synthesis.api.properties("AWS::Lambda::EventSourceMapping")
            if any("Landing" in text for text in strings(each["EventSourceArn"]))
        ]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BatchSize"] == 5
        assert source["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_archives_are_read_only(switched: Synthesis) -> None:
    statements = switched.api.statements_of(UPLOADS.name)
    for statement in statements:
        if any(text.removesuffix("/*") in ARCHIVES for text in strings(statement["Resource"])):
            found = statement["Action"]
            assert set([found] if isinstance(found, str) else found) <= {
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListBucket",
            }


def test_the_state_machine_may_list_what_the_function_may_read(switched: Synthesis) -> None:
    role = switched.api.the_one("AWS::StepFunctions::StateMachine")["RoleArn"]["Fn::GetAtt"][0]
    statements = [
        statement
        for policy in switched.api.properties("AWS::IAM::Policy")
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    (listing,) = [each for each in statements if each["Action"] == "s3:ListBucket"]
    assert set(strings(listing["Resource"])) >= ARCHIVES
    starting = [each for each in statements if each["Action"] == "states:StartExecution"]
    assert len(starting) == 1
    (invoking,) = [each for each in statements if each["Action"] == "lambda:InvokeFunction"]
    assert "*" not in json.dumps(invoking["Resource"])


def test_the_state_machine_is_traced_and_logged_without_keys_of_photos(plain: Synthesis) -> None:
    machine = plain.api.the_one("AWS::StepFunctions::StateMachine")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


@pytest.fixture
def photos() -> dict[str, Any]:
    state: dict[str, Any] = definition("arn:worker", "results")["States"]["Photos"]
    return state


def test_the_map_is_spread_bounded_and_leaves_a_file_of_each_batch(photos: dict[str, Any]) -> None:
    assert photos["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert photos["MaxConcurrencyPath"] == "$.concurrency"
    assert photos["ItemReader"]["Resource"].endswith(":s3:listObjectsV2")
    assert photos["ResultWriter"]["Parameters"] == {"Bucket": "results", "Prefix": "batches"}
    look = photos["ItemProcessor"]["States"]["Look"]
    assert look["Resource"] == "arn:worker"
    assert look["Retry"][0]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize("task", ["", "recognise"])
def test_the_function_understands_what_the_map_hands_it(photos: dict[str, Any], task: str) -> None:
    """As Step Functions fills in a template: what a path that begins with `$.` names in the input, or in the item."""
    given = {"tenant": "acme", "bucket": "archive", "prefix": "2019/", "task": task, "collection": "", "concurrency": 5}
    given["match_policy"] = ""
    listed = {"Key": "2019/ü 1.jpg", "Size": 5, "Etag": '"e"', "LastModified": 1, "StorageClass": "STANDARD"}

    def filled(template: dict[str, str]) -> dict[str, Any]:
        sources = {"$": given, "$$.Map.Item.Value": listed}
        found = {name: path.rpartition(".") for name, path in template.items()}
        return {name.removesuffix(".$"): sources[of][last] for name, (of, _, last) in found.items()}

    batcher = photos["ItemBatcher"]
    assert batcher["MaxItemsPerBatch"] == PHOTOS_AT_ONCE
    (landing,) = batch_landings(
        {"BatchInput": filled(batcher["BatchInput"]), "Items": [filled(photos["ItemSelector"])]}
    )
    assert (landing.tenant, landing.bucket, landing.key, landing.photo) == ("acme", "archive", listed["Key"], None)
    assert (landing.task.kind if landing.task else "") == task
