"""Build every function's image, call it, and measure how it starts. `python -m bench.image [NAME...]`, as root.

The images are real and so is AWS's runtime client in them; their base is a Debian stand-in for AWS's. One core, a photo
of one person; galleries, keys and the meter are SQLite files in the container's /tmp. Prints a table and writes
bench/results/image.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.containers import (
    STAND_IN,
    BuildFailed,
    Container,
    function_container,
    missing_requirements,
    stand_in_python,
)
from bench.events import photo_event, plain_event
from bench.machine import machine, use_one_core
from bench.runtime_api import FunctionError, RuntimeApi
from infra.functions import ANALYTICS, AUTHORIZER, EMOTION, FUNCTIONS, RECOGNITION, UPLOADS, WEBHOOKS, FunctionSpec
from mien import settings
from mien.adapters.sqlite_outbox import Notice
from mien.http.routes import EMOTION_DETECTION, FACE_ANALYTICS, RECOGNIZE_FACE, USAGE
from mien.http.wire import KEY_HEADER
from mien.local.events import HttpRequest, authorizer_event
from mien.local.webhooks import webhooks_event

RESULTS = Path(__file__).with_name("results") / "image.json"
PHOTO = settings.CHECKOUT / "docs" / "photos" / "astronaut.jpg"

VARIABLES = {
    settings.GALLERY: "sqlite:/tmp/gallery.sqlite",
    settings.KEY_STORE: "sqlite:/tmp/keys.sqlite",
    settings.METER: "sqlite:/tmp/meter.sqlite",
    settings.PHOTOS: "folder:/tmp/photos",
    settings.UPLOAD_LOG: "sqlite:/tmp/uploads.sqlite",
    settings.ANNOUNCER: "sqlite:/tmp/uploads.sqlite",
    settings.WEBHOOK_QUEUE: "sqlite:/tmp/uploads.sqlite",
}
STARTS = 5
WARM_CALLS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """An event, and whether an answer to it is right."""

    event: dict[str, Any]
    is_right: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: milliseconds until loaded, of the first call and of a warm one; the most memory resident."""

    init_ms: float
    first_call_ms: float
    warm_call_ms: float
    memory_mb: float


class WrongAnswer(Exception):
    """A function answered something else than it should."""


def call_of(function: FunctionSpec) -> Call:
    """What a function is asked."""
    if function is AUTHORIZER:
        headers = ((KEY_HEADER, "a key of nobody's"),)
        request = HttpRequest("bench", "POST", FACE_ANALYTICS.url_path, "", headers, b"", "127.0.0.1")
        return Call(authorizer_event(request, FACE_ANALYTICS), _denies)
    photo = PHOTO.read_bytes()
    if function is UPLOADS:
        return Call({"BatchInput": {"tenant": "bench", "bucket": "bench"}, "Items": [{"key": "gone.jpg"}]}, _finds_none)
    if function is RECOGNITION:
        return Call(photo_event(RECOGNIZE_FACE, photo), _finds_one_face)
    if function is EMOTION:
        return Call(photo_event(EMOTION_DETECTION, photo, "image"), _finds_one_emotion)
    if function is ANALYTICS:
        return Call(photo_event(FACE_ANALYTICS, photo), _finds_one_face)
    if function is WEBHOOKS:
        return Call(webhooks_event(Notice("nobody", "no upload", 1)), _is_done_with_all)
    return Call(plain_event(USAGE), _reports_usage)


def check(function: FunctionSpec) -> dict[str, float]:
    """Build a function's image, start it a few times, and call it. Raises BuildFailed, FunctionError, WrongAnswer."""
    call = call_of(function)
    with function_container(function) as container:
        starts = [asdict(_start(container, call)) for _ in range(STARTS)]
        task = container.root / "var" / "task"
        sizes = {"added_mb": _megabytes(task), "networks_mb": _megabytes(task / "models")}
    return sizes | {name: round(statistics.median(start[name] for start in starts), 1) for name in starts[0]}


def _start(container: Container, call: Call) -> Start:
    # The shell says when it becomes the function, and under which process id.
    mark = ["sh", "-c", 'echo $$ $(date +%s.%N); exec "$@"', "sh"]
    with RuntimeApi() as api:
        variables = VARIABLES | {"AWS_LAMBDA_RUNTIME_API": api.address}
        command = container.run_command([*mark, *container.start_command], variables)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            mark = process.stdout.readline().split()
            if not mark:
                raise FunctionError("Its container did not start.")
            pid, started_at = int(mark[0]), float(mark[1])
            try:
                init_ms = (api.wait_until_loaded() - started_at) * 1000
                first_call_ms = _time(api, call)
                warm_call_ms = statistics.median(_time(api, call) for _ in range(WARM_CALLS))
                return Start(init_ms, first_call_ms, warm_call_ms, _peak_memory_mb(pid))
            finally:
                with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                    os.kill(pid, signal.SIGKILL)


def _time(api: RuntimeApi, call: Call) -> float:
    start = time.perf_counter()
    answer = api.invoke(call.event)
    milliseconds = (time.perf_counter() - start) * 1000
    if not call.is_right(answer):
        raise WrongAnswer(f"It answered {json.dumps(answer)[:500]}")
    return milliseconds


def _finds_one_face(answer: Any) -> bool:
    return bool(answer["statusCode"] == 200 and json.loads(answer["body"])["face_count"] == 1)


def _finds_one_emotion(answer: Any) -> bool:
    return bool(answer["statusCode"] == 200 and len(json.loads(answer["body"])) == 1)


def _is_done_with_all(answer: Any) -> bool:
    return bool(answer["batchItemFailures"] == [])


def _finds_none(answer: Any) -> bool:
    return bool(answer["uploads"] == [{"key": "gone.jpg", "status": "gone"}])


def _reports_usage(answer: Any) -> bool:
    return bool(answer["statusCode"] == 200 and json.loads(answer["body"])["used"] == 0)


def _denies(answer: Any) -> bool:
    return bool(answer["policyDocument"]["Statement"][0]["Effect"] == "Deny")


def _peak_memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) / 1024


def _megabytes(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6, 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.image", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions to check (default all)")
    names = parser.parse_args().names
    functions = [function for function in FUNCTIONS if not names or function.name in names]
    if problem := missing_requirements():
        print(f"Images cannot be built here: {problem}", file=sys.stderr)
        return 1
    use_one_core()
    rows = {}
    for function in track(functions, "Building and calling", transient=True):
        try:
            rows[function.name] = check(function)
        except (BuildFailed, FunctionError, WrongAnswer) as error:
            print(f"The image of {function.name} is not right. {error}", file=sys.stderr)
            return 1
    _print(rows)
    where = machine() | {"python": stand_in_python(), "base": STAND_IN}
    RESULTS.write_text(json.dumps({"machine": where, "starts": STARTS, "functions": rows}, indent=2) + "\n")
    return 0


def _print(rows: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(rows.values())))
    table = Table("function", *(name.replace("_", " ") for name in columns), title="Images on a Debian stand-in")
    for name, row in rows.items():
        table.add_row(name, *(f"{row[column]:.1f}" for column in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
