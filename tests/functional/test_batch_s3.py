"""`mien batch s3://…` on a stand-in for Step Functions that does with the real handler what the state machine says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from infra.constructs.back_catalogue import definition
from mien.cli import batch_s3
from mien.cli.main import mien
from mien.domain.errors import Unavailable
from tests.functional.cloud import ARCHIVE, BUCKET, Cloud

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:batches"


class StepFunctions:
    """A client. A run is done in one go at its second look, so that it is seen while it runs."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.photos = cloud, definition("worker", BUCKET)["States"]["Photos"]
        self.runs: dict[str, dict[str, Any]] = {}
        self.status: dict[str, str] = {}
        self.looks = 0

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str) -> Iterator[dict[str, Any]]:
        assert (stateMachineArn, statusFilter) == (MACHINE, "RUNNING")
        running = [name for name in self.runs if self.status[name] == "RUNNING"]
        yield {"executions": [{"name": name, "executionArn": f"run:{name}"} for name in running]}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        self.runs[name], self.status[name] = json.loads(input), "RUNNING"
        return {"executionArn": f"run:{name}"}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        name = executionArn.removeprefix("run:")
        self.looks += 1
        if self.looks == 2:
            self.status[name] = self._do(name)
        return {"status": self.status[name], "cause": "Too many failed."}

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:
        return {"mapRuns": [{"mapRunArn": f"arn:mapRun:batches/Photos:{executionArn.removeprefix('run:')}"}]}

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:
        return {"itemCounts": dict.fromkeys(("total", "succeeded", "failed", "timedOut", "aborted"), 0)}

    def close(self) -> None: ...

    def _do(self, name: str) -> str:
        given = self.runs[name]
        pages = self.cloud.s3.list_objects_v2(Bucket=given["bucket"], Prefix=given["prefix"])
        items = [{"key": each["Key"]} for each in pages.get("Contents", [])]
        batcher = self.photos["ItemBatcher"]
        shared = {to.removesuffix(".$"): given[path.removeprefix("$.")] for to, path in batcher["BatchInput"].items()}
        files: dict[str, list[Any]] = {"SUCCEEDED": [], "FAILED": []}
        for start in range(0, len(items), batcher["MaxItemsPerBatch"]):
            asked = {"BatchInput": shared, "Items": items[start : start + batcher["MaxItemsPerBatch"]]}
            try:
                output = self.cloud.handler.lambda_handler(json.loads(json.dumps(asked)), None)
                files["SUCCEEDED"].append({"Input": json.dumps(asked), "Output": json.dumps(output)})
            except Unavailable:
                files["FAILED"].append({"Input": json.dumps(asked), "Error": "Unavailable"})
        self._write(f"batches/{name}", files)
        return "FAILED" if files["FAILED"] else "SUCCEEDED"

    def _write(self, folder: str, files: dict[str, list[Any]]) -> None:
        manifest: dict[str, list[Any]] = {status: [] for status in files}
        for status, batches in files.items():
            if batches:
                key = f"{folder}/{status}_0.json"
                self.cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(batches))
                manifest[status] = [{"Key": key, "Size": 1}]
        body = json.dumps({"DestinationBucket": BUCKET, "ResultFiles": manifest})
        self.cloud.s3.put_object(Bucket=BUCKET, Key=f"{folder}/manifest.json", Body=body)


@pytest.fixture
def states(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    states = StepFunctions(cloud)
    monkeypatch.setattr(batch_s3, "client", lambda name: states if name == "stepfunctions" else boto3.client(name))
    monkeypatch.setattr(batch_s3, "_SECONDS_BETWEEN_LOOKS", 0)
    return states


@pytest.fixture
def batch(cloud: Cloud, states: StepFunctions) -> Callable[..., Result]:
    def call(source: str | None = None, *options: str, **variables: str) -> Result:
        environment = {"MIEN_BATCHES": MACHINE, "MIEN_PHOTOS": f"s3:{BUCKET}"} | variables
        source = source or f"s3://{ARCHIVE}/{cloud.tenant}/"
        command = ["batch", source, "--tenant", cloud.tenant, *options]
        return CliRunner().invoke(mien, command, env=environment)

    return call


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def stock(cloud: Cloud, photo: Callable[[str], bytes], count: int) -> None:
    for number in range(count):
        key = f"{cloud.tenant}/{number}.jpg"
        cloud.s3.put_object(Bucket=ARCHIVE, Key=key, Body=photo("obama") + bytes([number]))


def test_a_back_catalogue_is_estimated_looked_at_and_summed_up(
    batch: Callable[..., Result], cloud: Cloud, photo: Callable[[str], bytes]
) -> None:
    stock(cloud, photo, 11)  # two batches
    cloud.s3.put_object(Bucket=ARCHIVE, Key=f"{cloud.tenant}/notes.txt", Body=b"notes")
    cloud.s3.put_object(Bucket=ARCHIVE, Key=f"{cloud.tenant}/folder/", Body=b"")
    result = batch(None, "--yes")
    assert result.exit_code == 1
    assert "12 objects" in result.stderr
    assert "at most about $0.00" in result.stderr
    *failed, summary = lines(result)
    assert failed == [{"key": f"{cloud.tenant}/notes.txt", "status": "failed", "code": "unsupported_image"}]
    assert summary == {
        "run": "succeeded",
        "photos": 12,
        "done": 11,
        "failed": 1,
        "codes": {"unsupported_image": 1},
    }
    assert len(cloud.results()) == 12


def test_run_again_it_does_only_what_is_missing(
    batch: Callable[..., Result], cloud: Cloud, states: StepFunctions, photo: Callable[[str], bytes]
) -> None:
    stock(cloud, photo, 2)
    assert batch(None, "--yes").exit_code == 0
    stock(cloud, photo, 3)
    states.looks = 0
    again = batch(None, "--yes", "--concurrency", "7")
    assert lines(again) == [{"run": "succeeded", "photos": 3, "done": 3, "codes": {}}]
    assert cloud.counted() == 3
    assert list(states.runs.values())[-1]["concurrency"] == 7


def test_a_run_that_still_goes_on_is_watched_and_not_begun_anew(
    batch: Callable[..., Result], cloud: Cloud, states: StepFunctions, photo: Callable[[str], bytes]
) -> None:
    stock(cloud, photo, 1)
    catalogue = batch_s3.Catalogue(ARCHIVE, f"{cloud.tenant}/", cloud.tenant, None)
    batch_s3.StepFunctionsBatches(states, None, MACHINE, BUCKET).start(catalogue.wanted(), 20)
    assert batch(None, "--yes").exit_code == 0
    assert len(states.runs) == 1


def test_what_could_not_be_looked_at_is_named(
    batch: Callable[..., Result], cloud: Cloud, photo: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(cloud, photo, 1)

    def down(*_: Any) -> None:
        raise Unavailable("The upload log does not answer.")

    monkeypatch.setattr(cloud.handler.receive_photo.log, "find", down)
    result = batch(None, "--yes")
    assert result.exit_code == 1
    assert lines(result) == [
        {"key": f"{cloud.tenant}/0.jpg", "status": "undone", "code": None},
        {"run": "failed", "photos": 1, "undone": 1, "codes": {}},
    ]
    assert "(Too many failed.). Run it again." in result.stderr


def test_nothing_starts_without_a_yes(
    batch: Callable[..., Result], cloud: Cloud, states: StepFunctions, photo: Callable[[str], bytes]
) -> None:
    stock(cloud, photo, 1)
    assert batch().exit_code == 1
    assert states.runs == {}


def test_photos_in_an_archive_are_told_of(batch: Callable[..., Result], cloud: Cloud) -> None:
    key = f"{cloud.tenant}/old.jpg"
    cloud.s3.put_object(Bucket=ARCHIVE, Key=key, Body=b"photo", StorageClass="GLACIER")
    assert "1 of them lie in an archive" in batch().stderr


def test_what_there_is_to_do_is_said_for_all(
    batch: Callable[..., Result], cloud: Cloud, states: StepFunctions, photo: Callable[[str], bytes]
) -> None:
    stock(cloud, photo, 1)
    assert batch(None, "--yes", "--task", "recognise", "--collection", "staff").exit_code == 0
    (result,) = cloud.results()
    assert result["upload"]["task"] == {"task": "recognise", "collection": "staff", "match_policy": "fmr_1e-4"}


@pytest.mark.parametrize("prefix", ["", "results/", "uploads/rival/", "uploads/"])
def test_of_the_bucket_of_answers_a_tenants_own_photos_can_be_looked_at_alone(
    batch: Callable[..., Result], states: StepFunctions, prefix: str
) -> None:
    result = batch(f"s3://{BUCKET}/{prefix}", "--yes")
    assert result.exit_code != 0
    assert states.runs == {}


def test_an_empty_prefix_and_a_missing_deployment_are_said(batch: Callable[..., Result]) -> None:
    assert "There is nothing under" in batch().stderr
    assert "Set MIEN_BATCHES" in batch(MIEN_BATCHES="").stderr
    assert "s3://BUCKET/PREFIX" in batch("holidays").stderr
