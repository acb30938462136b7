"""`mien batch FOLDER`: a whole folder of photos, answered as photos that land are, on all cores."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mien import settings
from mien.adapters.files import NewFile
from mien.cli.photos import photos_in
from mien.domain.errors import ServiceError
from mien.domain.keys import DEMO_TENANT
from mien.domain.uploads import Task, can_be_key, upload_key
from mien.http.errors import entry_for
from mien.http.wire import compact_json
from mien.local.batch import FolderBatch
from mien.local.photo_taker import PhotoFile
from mien.vision.manifest import MANIFEST_NAME, load_manifest

FAILURES = "failures.jsonl"
INTERRUPTED = 130


def run(folder: Path, results: Path | None, task: Task, jobs: int | None) -> None:
    """Answer every photo beneath a folder; a JSON file each, at the photo's own path in the folder of results."""
    folder = folder.resolve()
    results = results.resolve() if results is not None else folder.with_name(f"{folder.name}-results")
    _check_policy(task)
    work = FolderBatch.open(folder, results, task)
    try:
        report = _run(work, jobs or os.cpu_count() or 1)
    except KeyboardInterrupt:
        click.echo("Stopped. Run it again to go on.", err=True)
        sys.exit(INTERRUPTED)
    finally:
        work.close()
    report.write(results / FAILURES)
    click.echo(report.summary(results))
    sys.exit(1 if report.ours else 0)


@dataclass
class Report:
    """What became of a folder's photos."""

    found: int
    before: int
    outcomes: dict[str, Mapping[str, Any]]
    ours: dict[str, ServiceError] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failures(self) -> dict[str, str]:
        """Codes by key."""
        theirs = {key: outcome["code"] for key, outcome in self.outcomes.items() if outcome.get("code")}
        return theirs | {key: entry_for(error).code for key, error in self.ours.items()}

    def add(self, photo: PhotoFile, outcome: Mapping[str, Any] | ServiceError) -> None:
        if isinstance(outcome, ServiceError):
            self.ours[photo.key] = outcome
        else:
            self.outcomes[photo.key] = outcome

    def write(self, file: Path) -> None:
        """A JSON line for each failure; no file when there are none."""
        if not self.failures:
            file.unlink(missing_ok=True)
            return
        new = NewFile(file)
        for key, code in sorted(self.failures.items()):
            line = {"file": _place(key), "code": code, "id": self.outcomes.get(key, {}).get("id")}
            new.write(compact_json(line).encode() + b"\n")
        new.finish()

    def summary(self, results: Path) -> str:
        """For a person."""
        now = len(self.outcomes) + len(self.ours) - self.before
        pace = f" in {self.seconds:.1f} s, {now / self.seconds:.1f} a second" if now else ""
        lines = [f"{self.found:,} photos: {self.before:,} done before, {now:,} now{pace}.", f"Results: {results}"]
        if self.failures:
            counts = ", ".join(f"{count:,} {code}" for code, count in Counter(self.failures.values()).most_common())
            lines.append(f"{len(self.failures):,} failed: {counts}. They are listed in {results / FAILURES}")
        if self.ours:
            lines.append(f"Of these, {len(self.ours):,} failed on our side: run it again to try them again.")
        return "\n".join(lines)


def _check_policy(task: Task) -> None:
    matching = load_manifest(settings.models_folder() / MANIFEST_NAME).for_task("embedding").matching
    policies = matching.cosines if matching is not None else {}
    if task.match_policy not in policies:
        raise click.BadParameter(f"one of {', '.join(policies)}", param_hint="--match-policy")


def _run(work: FolderBatch, jobs: int) -> Report:
    found = [work.photo(file) for file in photos_in(work.photos) if _can_be_key(file)]
    done = work.done(found)
    missing = [photo for photo in found if photo.key not in done]
    report = Report(len(found), len(done), dict(done))
    start = perf_counter()
    with _Bar(len(missing)) as bar:

        def told(photo: PhotoFile, outcome: Mapping[str, Any] | ServiceError) -> None:
            report.add(photo, outcome)
            bar.advance(failed=isinstance(outcome, ServiceError) or bool(outcome.get("code")))

        if missing:
            asyncio.run(work.run(missing, settings.CHECKOUT / "functions", min(jobs, len(missing)), told))
    report.seconds = perf_counter() - start
    return report


class _Bar:
    """How far it is, how fast, how long yet, and how many failed; on stderr while a person watches."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        columns = (
            TextColumn("Answering"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]} failed"),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=total, rate=0.0, failed=0)
        self._failed = 0

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, failed: bool) -> None:
        self._failed += failed
        rate = self._progress.tasks[self._task].speed or 0.0
        self._progress.update(self._task, advance=1, failed=self._failed, rate=rate)


def _can_be_key(file: Path) -> bool:
    """Tells of those that cannot."""
    possible = can_be_key(str(file))
    if not possible:
        click.echo(f"Passed over, as its name is not UTF-8: {str(file)!r}", err=True)
    return possible


def _place(key: str) -> str:
    """The path of a photo beneath its folder."""
    return key.removeprefix(upload_key(DEMO_TENANT, ""))
