"""What it costs and gives to ship the networks as they are shipped: fast operators, weights in eight bits.

`python -m bench.precision DATA`, after `python -m bench.accuracy DATA`. Builds every network as its author wrote it, in
single precision, times both by turns, measures what the README tells with those, and writes
bench/results/precision.json, from which the cards have their comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.accuracy import MEASURES
from bench.interleaved import interleaved
from bench.machine import machine, use_one_core
from mien import settings
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.engine import Engine
from mien.vision.manifest import MANIFEST_NAME, Manifest, ModelSpec, load_manifest
from models.builder.__main__ import read_files
from models.builder.convert import plain
from models.builder.figures import HEADLINES

RESULTS = Path(__file__).with_name("results") / "precision.json"
ROUNDS = 60
PHOTO_SIDE = 640  # what a network without a size of its own is timed on


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.precision", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    data = parser.parse_args().data
    use_one_core()
    shipped = load_manifest(settings.models_folder() / MANIFEST_NAME)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_plain(shipped, folder)
        pairs = zip(shipped.models, manifest.models, strict=True)
        networks = {spec.id: _networks(spec, whole, folder) for spec, whole in pairs}
        os.environ[settings.MODELS] = str(folder)
        figures = _headlines(data)
    _print(networks)
    text = json.dumps({"machine": machine(), "networks": networks, "figures": figures}, indent=1)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


def write_plain(shipped: Manifest, folder: Path) -> Manifest:
    """A folder of networks in single precision, and its manifest."""
    specs = []
    for spec in shipped.models:
        content = plain(spec, read_files(spec)).SerializeToString()
        (folder / spec.file).write_bytes(content)
        specs.append(replace(spec, bytes=len(content)))
    manifest = Manifest(tuple(specs))
    (folder / MANIFEST_NAME).write_text(json.dumps(asdict(manifest)), encoding="utf-8")
    return manifest


def _networks(shipped: ModelSpec, whole: ModelSpec, folder: Path) -> dict[str, dict[str, float]]:
    """Bytes, and the median of milliseconds for one input, of either."""
    height, width = (side or PHOTO_SIDE for side in shipped.input.shape[2:])
    tensor = np.random.default_rng(0).uniform(0, 255, (1, 3, height, width)).astype(np.float32)
    engines = {"plain": Engine(whole, folder), "shipped": Engine(shipped, settings.models_folder())}
    times = interleaved({name: partial(engine.run, tensor) for name, engine in engines.items()}, ROUNDS)
    return {name: {"bytes": engine.spec.bytes, "ms": round(median(times[name]), 2)} for name, engine in engines.items()}


def _headlines(data: Path) -> list[dict[str, Any]]:
    analyse = AnalyseImage.load(settings.models_folder(), settings.threads())
    wanted = [(task, measure, on) for _, task, measure, on in HEADLINES]
    tasks = list(dict.fromkeys(task for task, _, _ in wanted))
    figures = [figure for task in tasks for figure in MEASURES[task](analyse, data)]
    return [asdict(figure) for figure in figures if (figure.task, figure.measure, figure.data) in wanted]


def _print(networks: dict[str, dict[str, dict[str, float]]]) -> None:
    table = Table("network", "bytes, plain", "shipped", "ms, plain", "shipped")
    for name, forms in networks.items():
        sizes, times = ([forms[form][what] for form in ("plain", "shipped")] for what in ("bytes", "ms"))
        table.add_row(name, *(f"{size:,}" for size in sizes), *(f"{ms:.2f}" for ms in times))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
