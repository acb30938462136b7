"""`mien batch s3://BUCKET/PREFIX`: a back catalogue in a bucket, on Step Functions."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from mien.adapters.aws import client
from mien.adapters.step_functions import Objects, Progress, StepFunctionsBatches, pages_of
from mien.domain.errors import InvalidParameter
from mien.domain.prices import batch_cost
from mien.domain.uploads import Task, UploadStatus, upload_key
from mien.http.wire import compact_json

CONCURRENCY = 20
_SECONDS_BETWEEN_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is to be looked at, whose it is, and what is to be done; the tenant's rules say where `task` does not."""

    bucket: str
    prefix: str
    tenant: str
    task: Task | None

    def wanted(self) -> dict[str, str]:
        """What the state machine is told."""
        nothing = dict.fromkeys(Task().texts(), "")
        texts = self.task.texts() if self.task else nothing
        return {"tenant": self.tenant, "bucket": self.bucket, "prefix": self.prefix, **texts}


def run(
    catalogue: Catalogue,
    machine: str,
    results: str,
    concurrency: int,
    yes: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Estimate, ask, start, watch, and tell what became of it."""
    if catalogue.bucket == results and not catalogue.prefix.startswith(upload_key(catalogue.tenant, "")):
        raise InvalidParameter(
            f"Of the bucket {results}, {upload_key(catalogue.tenant, '')} is all that is the tenant's."
        )
    batches = StepFunctionsBatches(client("stepfunctions"), client("s3"), machine, results)
    with closing(batches):
        found = _count(catalogue)
        if not found.count:
            click.echo(f"There is nothing under s3://{catalogue.bucket}/{catalogue.prefix}.", err=True)
            sys.exit(1)
        click.echo(_estimate(found), err=True)
        if not yes:
            click.confirm("Start?", abort=True, err=True)
        started = batches.start(catalogue.wanted(), concurrency)
        click.echo(f"{started}\nIt goes on without this command; the same command watches it again.", err=True)
        ended = _watch(batches, started, found.count, sleep)
        sys.exit(_tell(batches, started, ended))


def _count(catalogue: Catalogue) -> Objects:
    """What is there; a person sees it grow."""
    count, size, archived = 0, 0, 0
    console = Console(stderr=True)
    with console.status("Listing") as status:
        s3 = client("s3")
        with closing(s3):
            for page in pages_of(s3, catalogue.bucket, catalogue.prefix):
                count, size, archived = count + page.count, size + page.bytes, archived + page.archived
                status.update(f"Listing: {count:,}")
    return Objects(count, size, archived)


def _estimate(found: Objects) -> str:
    text = f"{found.count:,} objects, {found.bytes / 1e9:,.2f} GB; at most about ${batch_cost(found.count):,.2f}."
    if found.archived:
        text += f" {found.archived:,} of them lie in an archive and cannot be looked at before you restore them."
    return text


def _watch(batches: StepFunctionsBatches, run: str, expected: int, sleep: Callable[[float], None]) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("Looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task("", total=expected)
        while True:
            now = batches.progress(run)
            bar.update(shown, total=max(now.total, expected), completed=now.done + now.failed)
            if not now.running:
                return now
            sleep(_SECONDS_BETWEEN_LOOKS)


def _tell(batches: StepFunctionsBatches, run: str, ended: Progress) -> int:
    """Print each photo that has no faces to tell of and why, then how many there are of each kind; the exit code."""
    told: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for photo in batches.outcomes(run):
        told[photo.status] += 1
        if photo.status == UploadStatus.DONE:
            continue
        if photo.code:
            codes[photo.code] += 1
        click.echo(compact_json({"key": photo.key, "status": photo.status, "code": photo.code}))
    done = ended.status == "SUCCEEDED"
    line = {"run": ended.status.lower(), "photos": told.total(), **told, "codes": dict(codes)}
    click.echo(compact_json(line))
    if not done:
        click.echo(f"The run ended before all was done ({batches.why(run) or ended.status}). Run it again.", err=True)
    return 0 if done and told.keys() <= {UploadStatus.DONE} else 1
