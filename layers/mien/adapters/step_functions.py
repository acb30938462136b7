"""Back catalogues on Step Functions: what a prefix of a bucket holds, the run that looks at it, what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mien.adapters.aws import error_code, unavailable
from mien.domain.errors import Unavailable
from mien.domain.uploads import BATCHES

_WHAT = "Step Functions"
_TO_BE_RESTORED = {"GLACIER", "DEEP_ARCHIVE"}


@dataclass(frozen=True, slots=True)
class Objects:
    """How many objects a listing has, how large they are, and how many lie in an archive, where nobody can read them
    before they are restored.
    """

    count: int
    bytes: int
    archived: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `status` is Step Functions' word; `total` grows while the bucket is still being listed."""

    status: str
    total: int
    done: int
    failed: int

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What became of one photo: `done`, `failed`, `gone`, or `undone` where a function failed. `code` is an error's."""

    key: str
    status: str
    code: str | None = None


def pages_of(s3: Any, bucket: str, prefix: str) -> Iterator[Objects]:
    """What each page of a listing has, without folders. `s3` is a boto3 client. Raises Unavailable."""
    with unavailable(f"The bucket {bucket}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            objects = [each for each in page.get("Contents", []) if not each["Key"].endswith("/")]
            archived = sum(each.get("StorageClass") in _TO_BE_RESTORED for each in objects)
            yield Objects(len(objects), sum(each["Size"] for each in objects), archived)


class StepFunctionsBatches:
    """Runs of the state machine that infra/constructs/back_catalogue.py makes. Every method may raise Unavailable.

    `client` is a boto3 Step Functions client, `s3` one for S3, `results` the bucket that runs leave their files in.
    """

    def __init__(self, client: Any, s3: Any, machine: str, results: str) -> None:
        self._client, self._s3, self._machine, self._results = client, s3, machine, results

    def start(self, wanted: Mapping[str, str], concurrency: int) -> str:
        """Begin a run, or find the one that is doing the same already; its name to ask for it by (an ARN)."""
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
        with unavailable(_WHAT):
            pages = self._client.get_paginator("list_executions")
            for page in pages.paginate(stateMachineArn=self._machine, statusFilter="RUNNING"):
                for run in page["executions"]:
                    if run["name"].startswith(digest):
                        return str(run["executionArn"])
            started = self._client.start_execution(
                stateMachineArn=self._machine,
                name=f"{digest}-{datetime.now(UTC):%Y%m%dT%H%M%S}",
                input=json.dumps({**wanted, "concurrency": concurrency}),
            )
        return str(started["executionArn"])

    def progress(self, run: str) -> Progress:
        with unavailable(_WHAT):
            status = self._client.describe_execution(executionArn=run)["status"]
            map_run = self._map_run(run)
            if map_run is None:
                return Progress(status, 0, 0, 0)
            counts = self._client.describe_map_run(mapRunArn=map_run)["itemCounts"]
        failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
        return Progress(status, counts["total"], counts["succeeded"], failed)

    def outcomes(self, run: str) -> Iterator[PhotoOutcome]:
        """What became of each photo of a run that has ended."""
        with unavailable(_WHAT):
            map_run = self._map_run(run)
        if map_run is None:
            return
        manifest = self._file(f"{BATCHES}{map_run.rpartition(':')[2]}/manifest.json")
        for status, files in (manifest or {"ResultFiles": {}})["ResultFiles"].items():
            for file in files:
                for batch in self._file(file["Key"]) or []:
                    yield from _outcomes(status, batch)

    def why(self, run: str) -> str | None:
        """Why a run as a whole failed."""
        with unavailable(_WHAT):
            answer = self._client.describe_execution(executionArn=run)
        return answer.get("cause") or answer.get("error")

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        self._s3.close()

    def _map_run(self, run: str) -> str | None:
        runs = self._client.list_map_runs(executionArn=run)["mapRuns"]
        return str(runs[0]["mapRunArn"]) if runs else None

    def _file(self, key: str) -> Any:
        """A JSON file of a run; None when it is not there."""
        try:
            with unavailable("The bucket of results"):
                return json.loads(self._s3.get_object(Bucket=self._results, Key=key)["Body"].read())
        except Unavailable as error:
            if error_code(error.__cause__) == "NoSuchKey":
                return None
            raise


def _outcomes(status: str, batch: Mapping[str, Any]) -> Iterator[PhotoOutcome]:
    """Of the photos of one batch, whose input and output are JSON in JSON."""
    if status != "SUCCEEDED":
        yield from (PhotoOutcome(item["key"], "undone") for item in json.loads(batch["Input"])["Items"])
        return
    for upload in json.loads(batch["Output"])["uploads"]:
        yield PhotoOutcome(upload["key"], upload["status"], upload.get("code"))
