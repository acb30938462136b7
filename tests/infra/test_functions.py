from __future__ import annotations

from typing import Any

import pytest

from infra.functions import (
    ACCOUNT,
    ANALYTICS,
    AUTHORIZER,
    EMOTION,
    FUNCTIONS,
    RECOGNITION,
    UPLOADS,
    WEBHOOKS,
    FunctionSpec,
)
from mien import settings
from mien.http.limits import FUNCTION_SECONDS
from mien.http.routes import ROUTES
from tests.infra.synthesis import Synthesis, strings

NEEDED = {route.function for route in ROUTES} | {AUTHORIZER.name, UPLOADS.name, WEBHOOKS.name}
DEPLOYED = [spec for spec in FUNCTIONS if spec.name in NEEDED]
BY_SPEC = pytest.mark.parametrize("spec", DEPLOYED, ids=lambda spec: spec.name)

XRAY = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
API_GATEWAY_SECONDS = 29
FROM_A_QUEUE = [
    *("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"),
    *("sqs:DeleteMessage", "sqs:GetQueueAttributes"),
]
BESIDES = {
    ACCOUNT.name: [["s3:PutObject"], ["s3:GetObject"], ["s3:ListBucket"]],
    WEBHOOKS.name: [FROM_A_QUEUE, ["s3:GetObject"], ["s3:ListBucket"]],
    UPLOADS.name: [
        FROM_A_QUEUE,
        ["s3:GetObject", "s3:GetObjectVersion"],
        ["s3:GetObject", "s3:PutObject"],
        ["s3:ListBucket"],
        ["events:PutEvents"],
    ],
}
OBJECTS = {
    ACCOUNT.name: ("/uploads/*", "/results/*"),
    WEBHOOKS.name: ("/results/*",),
    UPLOADS.name: ("/uploads/*", "/results/*", ":s3:::archive/*", ":s3:::holidays-2019/*"),
}
"""Of which a function may read or write any."""


def actions(statement: dict[str, Any]) -> list[str]:
    found: str | list[str] = statement["Action"]
    return [found] if isinstance(found, str) else found


def variables(synthesis: Synthesis, spec: FunctionSpec) -> dict[str, Any]:
    found: dict[str, Any] = synthesis.api.functions()[spec.name]["Environment"]["Variables"]
    return found


def test_there_is_a_function_for_every_family_of_routes_and_for_what_nobody_waits_for(plain: Synthesis) -> None:
    assert plain.api.functions().keys() == NEEDED


@BY_SPEC
def test_a_function_has_its_own_memory_time_and_log_and_is_traced(plain: Synthesis, spec: FunctionSpec) -> None:
    function = plain.api.functions()[spec.name]
    assert function["MemorySize"] == spec.memory_mb
    assert function["Timeout"] == spec.timeout_seconds
    assert spec is UPLOADS or spec.timeout_seconds <= FUNCTION_SECONDS < API_GATEWAY_SECONDS
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["PackageType"] == "Image"
    assert function["LoggingConfig"]["LogGroup"]["Ref"].startswith(spec.name.title())


def test_logs_do_not_grow_for_ever(plain: Synthesis) -> None:
    logs = plain.api.properties("AWS::Logs::LogGroup")
    assert len(logs) == len(NEEDED) + 2  # the API's and the state machine's
    assert all(log["RetentionInDays"] == 30 for log in logs)


@BY_SPEC
def test_a_function_may_do_what_it_needs_to_its_tables_and_nothing_else(plain: Synthesis, spec: FunctionSpec) -> None:
    statements = plain.api.statements_of(spec.name)
    tables = {
        setting: next(name for name in strings(variables(plain, spec)[setting]) if "ExportsOutputRef" in name)
        for setting in spec.stores
    }
    allowed = {
        resource: sorted(actions(statement))
        for statement in statements
        if all(action.startswith("dynamodb:") for action in actions(statement))
        for resource in strings(statement["Resource"])
    }
    ids = {setting: table.split("ExportsOutputRef")[1][:-16] for setting, table in tables.items()}
    found = {
        setting: next(granted for resource, granted in allowed.items() if table_id in resource)
        for setting, table_id in ids.items()
    }
    assert found == {setting: sorted(wanted) for setting, wanted in spec.stores.items()}
    assert len(allowed) == len(spec.stores)
    others = [actions(each) for each in statements if not actions(each)[0].startswith("dynamodb:")]
    assert sorted(others) == sorted([["logs:CreateLogStream", "logs:PutLogEvents"], XRAY, *BESIDES.get(spec.name, [])])


def test_no_role_may_do_anything_to_everything(either: Synthesis) -> None:
    for name in either.api.functions():
        for statement in either.api.statements_of(name):
            assert not any("*" in action for action in actions(statement))
            if statement["Resource"] == "*":
                assert actions(statement) == XRAY  # X-Ray has nothing narrower
            else:
                for resource in strings(statement["Resource"]):
                    assert "*" not in resource or resource == "/index/*" or resource in OBJECTS.get(name, ())
    for role in either.api.properties("AWS::IAM::Role"):
        if role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] == "lambda.amazonaws.com":
            assert "ManagedPolicyArns" not in role


def test_only_the_authorizer_reads_keys() -> None:
    assert {spec.name for spec in FUNCTIONS if settings.KEY_STORE in spec.stores} == {AUTHORIZER.name}


def test_only_recognition_writes_galleries_and_uploads_read_them() -> None:
    assert [spec for spec in FUNCTIONS if settings.GALLERY in spec.stores] == [RECOGNITION, UPLOADS]
    assert not {"dynamodb:PutItem", "dynamodb:DeleteItem"} & set(UPLOADS.stores[settings.GALLERY])


def test_functions_run_on_x86_without_limits_unless_told_otherwise(plain: Synthesis, switched: Synthesis) -> None:
    for function in plain.api.functions().values():
        assert function["Architectures"] == ["x86_64"]
        assert "ReservedConcurrentExecutions" not in function
    limits = {name: each.get("ReservedConcurrentExecutions") for name, each in switched.api.functions().items()}
    assert {name: limit for name, limit in limits.items() if limit} == {"analytics": 20, "recognition": 5}
    assert all(each["Architectures"] == ["arm64"] for each in switched.api.functions().values())


def test_switches_reach_the_functions_they_are_about(plain: Synthesis, switched: Synthesis) -> None:
    assert variables(plain, RECOGNITION)[settings.SEARCH] == "memory"
    assert settings.RETENTION_DAYS not in variables(plain, RECOGNITION)
    assert variables(plain, ANALYTICS)["MIEN_METER_FAILS"] == "closed"
    assert "s3vectors:" in strings(variables(switched, RECOGNITION)[settings.SEARCH])
    assert variables(switched, RECOGNITION)[settings.RETENTION_DAYS] == "30"
    assert variables(switched, ANALYTICS)["MIEN_METER_FAILS"] == "open"
    assert variables(switched, AUTHORIZER).keys() == {settings.KEY_STORE}
    assert settings.METER in variables(switched, ANALYTICS)
    for function in (ANALYTICS, EMOTION, RECOGNITION):
        assert variables(plain, function)[settings.URL_FETCH] == "on"
        assert variables(switched, function)[settings.URL_FETCH] == "off"
    for function in (ACCOUNT, UPLOADS):
        assert settings.URL_FETCH not in variables(plain, function)
    assert variables(plain, UPLOADS)[settings.KEEP_PHOTOS] == "on"
    assert variables(switched, UPLOADS)[settings.KEEP_PHOTOS] == "off"
    assert variables(plain, UPLOADS)[settings.RESULT_DAYS] == "365"
    assert variables(switched, UPLOADS)[settings.RESULT_DAYS] == "90"


def test_an_index_is_changed_by_recognition_only_and_searched_for_uploads_too(switched: Synthesis) -> None:
    granted = {
        name: {action for each in switched.api.statements_of(name) for action in actions(each)}
        for name in switched.api.functions()
    }
    assert {name for name in granted if "s3vectors:QueryVectors" in granted[name]} == {RECOGNITION.name, UPLOADS.name}
    assert {name for name in granted if "s3vectors:PutVectors" in granted[name]} == {RECOGNITION.name}


def test_a_photo_can_be_deleted_only_where_photos_are_not_kept(plain: Synthesis, switched: Synthesis) -> None:
    def deletable(synthesis: Synthesis) -> list[str]:
        statements = synthesis.api.statements_of(UPLOADS.name)
        allowed = [each for each in statements if "s3:DeleteObjectVersion" in actions(each)]
        return [text for each in allowed for text in strings(each["Resource"]) if "*" in text]

    assert deletable(plain) == []
    assert deletable(switched) == ["/uploads/*"]
