"""`mien batch` with kill -9 on the way, and what a watched folder costs. `python -m bench.batch [--photos N]`.

Photos of 1280×960 pixels, 1 % of them truncated, are answered on all cores. The command is killed twice, the second
time with its function processes. Then every photo must have exactly one result. Prints a table and writes
bench/results/batch.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine
from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_seen import SeenFile, SqliteSeenFiles
from mien.cli.sample_photos import group, jpeg, no_face, one_face
from mien.local.photo_taker import BUCKET
from mien.local.watcher import photos_landed

RESULTS = Path(__file__).with_name("results") / "batch.json"
WATCHED = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--photos", type=int, default=2000, help="how many photos (default 2000)")
    photos = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as folder:
        batch = measure_batch(Path(folder), photos)
        watching = measure_watching(Path(folder), WATCHED)
    _print(batch | watching)
    RESULTS.parent.mkdir(exist_ok=True)
    busy = {"cores": os.cpu_count(), "load_average": os.getloadavg()[-1]}
    figures = {"machine": machine() | busy, "batch": batch, "watching": watching}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


def measure_batch(folder: Path, count: int) -> dict[str, Any]:
    """Kill after a third and two thirds of the photos, let it finish, and hold what is there against the photos."""
    album, results = folder / "album", folder / "results"
    corrupt = make_album(album, count)
    start = time.perf_counter()
    killed_at = [run_and_kill(album, results, count * part // 3, with_functions=part == 2) for part in (1, 2)]
    killed_seconds = time.perf_counter() - start
    last, last_seconds = _timed(lambda: run(album, results))
    found = check(album, results, corrupt)
    again, again_seconds = _timed(lambda: run(album, results))
    assert f"{count:,} done before, 0 now" in again
    return {
        "photos": count,
        "corrupt": len(corrupt),
        "results_when_killed": killed_at,
        "results": sum(found.values()),
        "results_by_code": dict(found),
        "seconds_until_second_kill": round(killed_seconds, 1),
        "last_run_photos": int(re.findall(r"([\d,]+) now", last)[0].replace(",", "")),
        "last_run_seconds": round(last_seconds, 1),
        "photos_per_second": float(re.findall(r"([\d.]+) a second", last)[0]),
        "nothing_to_do_seconds": round(again_seconds, 2),
    }


def make_album(album: Path, count: int) -> set[str]:
    """Photos that all differ, in folders of a hundred; the paths of those that are truncated."""
    kinds = [jpeg(image) for image in (one_face(1280, 960), group(6, 1280, 960), no_face(1280, 960))]
    corrupt = set()
    for number in range(count):
        path = f"{number // 100:03}/{number:05}.jpg"
        data = kinds[number % len(kinds)] + f"{number}".encode()  # what follows a JPEG's end is not read
        if number % 100 == 50:
            corrupt.add(path)
            data = data[: len(data) // 2] + f"{number}".encode()
        (album / path).parent.mkdir(parents=True, exist_ok=True)
        (album / path).write_bytes(data)
    return corrupt


def command(album: Path, results: Path) -> list[str]:
    return [sys.executable, "-m", "mien.cli.main", "batch", str(album), "--results", str(results)]


def run(album: Path, results: Path) -> str:
    """Run to the end; what is printed."""
    done = subprocess.run(command(album, results), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_and_kill(album: Path, results: Path, at: int, with_functions: bool) -> int:
    """Kill the command when so many results are there; how many there were then."""
    process = subprocess.Popen(command(album, results), start_new_session=True, stderr=subprocess.DEVNULL)
    while len(result_files(results)) < at:
        assert process.poll() is None, "It was done before it could be killed."
        time.sleep(0.01)
    kill = os.killpg if with_functions else os.kill
    kill(process.pid, signal.SIGKILL)
    process.wait()
    return len(result_files(results))


def result_files(results: Path) -> list[Path]:
    return [file for file in results.rglob("*.json") if file.parent.name != ".mien"]


def check(album: Path, results: Path, corrupt: set[str]) -> Counter[str]:
    """That there is exactly one result for each photo, an error where the photo is corrupt; how many by code."""
    bodies = {file: json.loads(file.read_bytes()) for file in result_files(results)}
    places = Counter(body["upload"]["key"].removeprefix("uploads/demo/") for body in bodies.values())
    photos = {file.relative_to(album).as_posix() for file in album.rglob("*.jpg")}
    assert places == Counter(photos), "Some photos have no result, or two."
    for file, body in bodies.items():
        place = body["upload"]["key"].removeprefix("uploads/demo/")
        assert file == results / f"{place}.{body['upload']['id']}.json"
        assert (body["status"] == "error") is (place in corrupt)
    listed = [json.loads(line) for line in (results / "failures.jsonl").read_text().splitlines()]
    assert {line["file"] for line in listed} == corrupt
    return Counter(body.get("error", {}).get("code", "success") for body in bodies.values())


def measure_watching(folder: Path, count: int) -> dict[str, Any]:
    """What a look at a folder of answered photos costs, and the first one after a start, against reading them all."""
    store, data = FolderPhotoStore(folder), jpeg(one_face(1280, 960))
    for number in track(range(count), "Writing", transient=True):
        file = store.uploads / f"{number // 1000}" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    landed = list(photos_landed(store.uploads))
    seen = SqliteSeenFiles(folder / "seen.sqlite")
    outcome = {"id": "0" * 32, "status": "done", "code": None, "face_count": 1}

    def note() -> None:
        for photo in landed:
            seen.note(photo.key, SeenFile(photo.stamp, outcome))

    _, note_seconds = _timed(note)
    _, look_seconds = _timed(lambda: list(photos_landed(store.uploads)))
    _, load_seconds = _timed(seen.all)
    _, hash_seconds = _timed(lambda: [store.version_of(BUCKET, photo.key) for photo in landed])
    seen.close()
    return {
        "watched_photos": count,
        "watched_megabytes": round(count * len(data) / 1e6),
        "look_ms": round(look_seconds * 1000, 1),
        "load_what_was_taken_ms": round(load_seconds * 1000, 1),
        "read_all_instead_ms": round(hash_seconds * 1000, 1),
        "note_one_ms": round(note_seconds * 1000 / count, 3),
    }


def _timed(action: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def _print(figures: dict[str, Any]) -> None:
    table = Table("what", "figure", title="mien batch, killed twice, and a watched folder")
    for name, figure in figures.items():
        table.add_row(name.replace("_", " "), str(figure))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
