"""How fast: from API Gateway proxy event to response, and stage by stage. `python -m bench.speed [--runs N]`.

One core, one thread, in this process, models loaded. Prints a table and writes bench/results/speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["MIEN_THREADS"] = "1"
os.environ["MIEN_METER"] = f"sqlite:{tempfile.mkdtemp()}/mien.sqlite"

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.events import photo_event
from bench.machine import machine, use_one_core
from functions.analytics.handler import analyse_image, lambda_handler
from mien.cli.sample_photos import group, jpeg, no_face, one_face
from mien.domain.face_filter import FaceFilter
from mien.http.routes import FACE_ANALYTICS
from mien.local.environment import LocalContext
from mien.usecases.stopwatch import Stopwatch
from mien.vision.chips import FaceChips
from mien.vision.decode import decode_photo
from mien.vision.quality import assess

RESULTS = Path(__file__).with_name("results") / "speed.json"

CASES = {
    "640×480, no face": partial(no_face, 640, 480),
    "640×480, 1 face": partial(one_face, 640, 480),
    "1280×960, 1 face": partial(one_face, 1280, 960),
    "1280×960, 10 faces": partial(group, 10, 1280, 960),
    "1920×1080, 6 faces": partial(group, 6, 1920, 1080),
    "4032×3024, 1 face": partial(one_face, 4032, 3024),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--runs", type=int, default=40, help="timed runs of each case (default 40)")
    runs = parser.parse_args().runs
    use_one_core()
    photos = {name: jpeg(make()) for name, make in CASES.items()}
    rows = {name: _measure(photos[name], runs) for name in track(photos, "Measuring", transient=True)}
    _print(rows)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "runs": runs, "cases": rows}, indent=2) + "\n")


def _measure(photo: bytes, runs: int) -> dict[str, Any]:
    event = photo_event(FACE_ANALYTICS, photo)
    response = lambda_handler(event, LocalContext("analytics", "bench"))
    body = json.loads(response["body"])
    assert response["statusCode"] == 200, body
    end_to_end = _times(lambda: lambda_handler(event, LocalContext("analytics", "bench")), runs)
    return {
        "faces": body["face_count"],
        "median_ms": round(float(np.median(end_to_end)), 2),
        "p95_ms": round(float(np.percentile(end_to_end, 95)), 2),
        "stages_ms": _stages(photo, max(runs // 2, 3)),
    }


def _stages(photo: bytes, runs: int) -> dict[str, float]:
    seen, faces = analyse_image.see(photo, FaceFilter(), Stopwatch())
    image = seen.image
    steps: dict[str, Callable[[], Any]] = {
        "decode": lambda: decode_photo(photo, long_side=max(image.shape)),
        "detect": lambda: analyse_image.detector.detect(image),
        **({"landmarks": lambda: analyse_image.landmarks.localise(image, faces)} if faces else {}),
    }
    if faces:
        poses = [look.pose for look in analyse_image.looks.estimate(FaceChips(image, faces))]
        steps |= {
            "expression": lambda: analyse_image.expression.classify(FaceChips(image, faces)),
            "looks": lambda: analyse_image.looks.estimate(FaceChips(image, faces)),
            "liveness": lambda: analyse_image.liveness.score(FaceChips(image, faces)),
            "quality": lambda: [assess(image, face, pose) for face, pose in zip(faces, poses, strict=True)],
        }
    steps["all, no HTTP"] = lambda: analyse_image(photo, FaceFilter())
    return {name: round(float(np.median(_times(step, runs))), 2) for name, step in steps.items()}


def _times(action: Callable[[], Any], runs: int) -> list[float]:
    for _ in range(3):
        action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _print(rows: dict[str, dict[str, Any]]) -> None:
    stages = list(dict.fromkeys(stage for row in rows.values() for stage in row["stages_ms"]))
    table = Table("photo", "faces", "median ms", "p95 ms", *stages, title="Proxy event to response, and its stages")
    for name, row in rows.items():
        figures = [f"{row['stages_ms'].get(stage, 0):.1f}" if stage in row["stages_ms"] else "" for stage in stages]
        table.add_row(name, str(row["faces"]), f"{row['median_ms']:.1f}", f"{row['p95_ms']:.1f}", *figures)
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
