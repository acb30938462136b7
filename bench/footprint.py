"""What running Mien takes besides its time: start, memory, bytes, throughput, money. `python -m bench.footprint`.

Starts and calls of the families run by turns on one core; the local server has all of them. Prints a table and writes
bench/results/footprint.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from statistics import median, quantiles
from typing import Any

os.environ["MIEN_THREADS"] = "1"
os.environ["MIEN_METER"] = f"sqlite:{tempfile.mkdtemp()}/mien.sqlite"
os.environ["MIEN_GALLERY"] = f"sqlite:{tempfile.mkdtemp()}/gallery.sqlite"
os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"

import botocore
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.events import photo_event
from bench.interleaved import ANALYTICS_START, BARE_START, WITH_DYNAMODB, interleaved, ratios, start
from bench.machine import machine, use_one_core
from bench.server import start as start_server
from bench.server import stop
from bench.soak import MAX_GROWTH, SAMPLES, WARM_UP, growth
from functions.keep_services import keep_services
from mien import settings
from mien.adapters.aws import SERVICES
from mien.cli.sample_photos import group, jpeg, no_face, one_face
from mien.domain.face_filter import FaceFilter
from mien.domain.prices import WORK
from mien.http.routes import EMOTION_DETECTION, FACE_ANALYTICS, RECOGNIZE_FACE
from mien.local.environment import LocalContext
from mien.usecases.analyse_image import ANALYSIS, AnalyseImage
from mien.vision.manifest import MANIFEST_NAME, load_manifest

RESULTS = Path(__file__).with_name("results") / "footprint.json"

Row = tuple[str, float, str]
"""What, how much, of which unit."""

FAMILIES = {
    "analytics": (FACE_ANALYTICS, "face_image"),
    "emotion": (EMOTION_DETECTION, "image"),
    "recognition": (RECOGNIZE_FACE, "face_image"),
}
CLIENTS = (1, 4, 16)
THREADS = (1, 2)
MEMORY = """
import sys
from pathlib import Path
from functions.analytics.handler import analyse_image
from mien.domain.face_filter import FaceFilter
for photo in sys.argv[1:]:
    for _ in range(3):
        analyse_image(Path(photo).read_bytes(), FaceFilter())
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")))
"""


def calls(rounds: int) -> Iterator[Row]:
    """Proxy event to response by family, for one face at 640×480."""
    photo = jpeg(one_face(640, 480))
    actions: dict[str, Callable[[], Any]] = {}
    for family, (route, field) in FAMILIES.items():
        handler, event = import_module(f"functions.{family}.handler").lambda_handler, photo_event(route, photo, field)
        actions[route.path.rpartition("/")[2]] = partial(_call, handler, event, family)
    for name, times in interleaved(actions, rounds).items():
        yield f"{name}, median", median(times), "ms"
        yield f"{name}, p95", quantiles(times, n=20)[-1], "ms"


def _call(handler: Callable[..., dict[str, Any]], event: dict[str, Any], family: str) -> None:
    response = handler(event, LocalContext(family, "bench"))
    assert response["statusCode"] == 200, response["body"]


def starts(rounds: int) -> Iterator[Row]:
    """Of fresh interpreters; botocore is cut down as it is in the images."""
    with tempfile.TemporaryDirectory() as folder:
        cut_down = shutil.copytree(Path(botocore.__file__).parent, Path(folder) / "botocore")
        keep_services(cut_down / "data", SERVICES)
        deployed = WITH_DYNAMODB | {"PYTHONPATH": folder}
        actions = {
            "the libraries alone": lambda: start(BARE_START),
            "the analytics function": lambda: start(ANALYTICS_START),
            "the analytics function, with boto3": lambda: start(ANALYTICS_START, **deployed),
        }
        times = interleaved(actions, rounds)
    for name, some in times.items():
        yield f"start of {name}", median(some), "ms"
    for name, ratio in list(ratios(times, "the libraries alone").items())[1:]:
        yield f"start of {name}, by that of the libraries", ratio, "×"


def by_threads(rounds: int) -> Iterator[Row]:
    """An analysis by networks on so many threads, with as many cores as there are."""
    photos = {"one face": jpeg(one_face(640, 480)), "six faces in full HD": jpeg(group(6, 1920, 1080))}
    actions: dict[str, Callable[[], Any]] = {}
    for threads in THREADS:
        analyse = AnalyseImage.load(settings.models_folder(), threads)
        for name, photo in photos.items():
            actions[f"{name}, on threads: {threads}"] = partial(analyse, photo, FaceFilter())
    for name, times in interleaved(actions, rounds).items():
        yield name, median(times), "ms"


def memory() -> Iterator[Row]:
    """Most memory resident of a process that analyses photos of growing size."""
    photos = {
        "640×480, one face": one_face(640, 480),
        "12 megapixels, one face": one_face(4032, 3024),
        "12 megapixels, 60 faces": group(60, 4032, 3024),
    }
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"{index}.jpg" for index in range(len(photos))]
        for file, image in zip(files, photos.values(), strict=True):
            file.write_bytes(jpeg(image))
        command = [sys.executable, "-c", MEMORY, *map(str, files)]
        variables = os.environ | as_in_an_image()
        done = subprocess.run(command, cwd=settings.CHECKOUT, env=variables, check=True, capture_output=True, text=True)
    for photo, peak in zip(photos, done.stdout.split(), strict=True):
        yield f"memory resident, after {photo}", float(peak), "MB"


def endurance(calls: int) -> Iterator[Row]:
    """Memory resident of this process while it answers small photos by turns, and by how much it grows once warm."""
    handler = import_module("functions.analytics.handler").lambda_handler
    images = [one_face(640, 480), no_face(640, 480), group(2, 640, 480), one_face(480, 640), group(6, 960, 540)]
    events = [photo_event(FACE_ANALYTICS, jpeg(image)) for image in images]
    process, megabytes = psutil.Process(), []
    for number in track(range(calls), "Calling", transient=True):
        _call(handler, events[number % len(events)], "analytics")
        if number % max(1, calls // SAMPLES) == 0:
            megabytes.append(process.memory_info().rss / 1e6)
    yield "calls", calls, ""
    yield "memory resident when warm", megabytes[int(len(megabytes) * WARM_UP)], "MB"
    yield "memory resident at the end", megabytes[-1], "MB"
    yield "growth once warm", growth(megabytes) * 100, "%"


def as_in_an_image() -> dict[str, str]:
    """What the images tell glibc of memory."""
    dockerfile = (settings.CHECKOUT / "functions" / "Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"(MALLOC_\w+)=(\d+)", dockerfile))


def sizes() -> Iterator[Row]:
    manifest = load_manifest(settings.models_folder() / MANIFEST_NAME)
    yield "networks of analytics", sum(manifest.for_task(task).bytes for task in ANALYSIS) / 1e6, "MB"
    yield "networks, all", sum(spec.bytes for spec in manifest.models) / 1e6, "MB"
    listed = (settings.CHECKOUT / "functions" / "analytics" / "requirements.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^([A-Za-z0-9_.-]+)==", listed, re.MULTILINE)
    yield "packages of the analytics function, as installed", sum(map(_installed_bytes, packages)) / 1e6, "MB"


def _installed_bytes(package: str) -> int:
    files = metadata.distribution(package).files or []
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")


def throughput(requests: int) -> Iterator[Row]:
    """Calls a second that the local server answers."""
    photo = jpeg(one_face(640, 480))
    with tempfile.TemporaryDirectory() as state:
        server = start_server(Path(state), settings.CHECKOUT / "functions")
        try:
            for clients in CLIENTS:
                with ThreadPoolExecutor(clients) as pool:
                    list(pool.map(lambda _: server.analyse(photo), range(clients)))  # warm
                    began = time.perf_counter()
                    statuses = [r.status_code for r in pool.map(lambda _: server.analyse(photo), range(requests))]
                    seconds = time.perf_counter() - began
                assert set(statuses) == {200}, statuses
                yield f"local server, {clients} clients", requests / seconds, "calls a second"
        finally:
            stop(server)


def costs() -> Iterator[Row]:
    for endpoint, work in WORK.items():
        yield f"a thousand calls of {endpoint}, estimated", work.dollars * 1000, "$"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="timed calls and starts of each kind (default 20)")
    parser.add_argument("--requests", type=int, default=100, help="requests to the local server (default 100)")
    parser.add_argument("--calls", type=int, help="only tell whether memory stays flat over so many calls")
    options = parser.parse_args()
    if options.calls:
        use_one_core()
        rows = list(endurance(options.calls))
        _print(rows)
        if rows[-1][1] > MAX_GROWTH * 100:
            sys.exit(f"At most {MAX_GROWTH:.0%} is flat.")
        return
    rows = [*throughput(options.requests), *by_threads(options.rounds)]  # before this process gives up its other cores
    use_one_core()
    rows = [*starts(options.rounds), *calls(options.rounds), *memory(), *sizes(), *rows, *costs()]
    _print(rows)
    figures = [{"measure": name, "value": round(value, 3), "unit": unit} for name, value, unit in rows]
    RESULTS.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1, ensure_ascii=False) + "\n")


def _print(rows: list[Row]) -> None:
    table = Table("measure", "value", "unit", title="Start, calls, memory, bytes, throughput, money")
    for name, value, unit in rows:
        table.add_row(name, f"{value:.3f}" if unit == "$" else f"{value:.1f}", unit)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
