"""Mien beside other packages that know faces, on the same photos. `python -m bench.peers [--turns N]`.

By turns in one run, on one core, one thread, from a JPEG's bytes to the answer; nothing is kept from one photo to the
next. What peers need is made under var/ first. Prints a table and writes bench/results/peers.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine, use_one_core
from bench.peers.asking import PeerFailed, PeerProcess
from bench.peers.environments import HERE, HOME
from bench.peers.measuring import CALLS_A_TURN, System, figures, measure
from bench.peers.systems import ENTRIES
from bench.peers.table import HEADINGS, backends, rows
from bench.speed import CASES
from mien.cli.sample_photos import jpeg

RESULTS = HERE.parent / "results" / "peers.json"

PHOTOS = ("640×480, 1 face", "1920×1080, 6 faces", "640×480, no face")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--turns", type=int, default=6, help=f"timed turns of {CALLS_A_TURN} calls each (default 6)")
    turns = parser.parse_args().turns
    use_one_core()  # and the peers, being children
    failures: dict[str, str] = {}
    systems = _started(failures)
    try:
        measured = _measured(systems, turns, failures)
    finally:
        for system in systems.values():
            if isinstance(system, PeerProcess):
                system.close()
    RESULTS.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _print(measured)


def _started(failures: dict[str, str]) -> dict[str, System]:
    HOME.mkdir(parents=True, exist_ok=True)
    systems: dict[str, System] = {}
    for name, entry in track(ENTRIES.items(), "Setting up", transient=True):
        try:
            systems[name] = entry.start()
        except PeerFailed as failed:
            failures[name] = str(failed)
    return systems


def _measured(systems: dict[str, System], turns: int, failures: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        files = {photo: Path(folder) / f"{index}.jpg" for index, photo in enumerate(PHOTOS)}
        for photo, file in files.items():
            file.write_bytes(jpeg(CASES[photo]()))
        answers = measure(systems, files, turns, failures)
    return {
        "machine": machine(),
        "calls": turns * CALLS_A_TURN,
        "systems": {name: {"work": ENTRIES[name].work, **asdict(system.about)} for name, system in systems.items()},
        "photos": {
            photo: {name: figures(answers[photo, name]) for name in systems if name not in failures} for photo in PHOTOS
        },
        "failures": failures,
    }


def _print(measured: dict[str, Any]) -> None:
    table = Table(*HEADINGS, title=f"From a JPEG to the answer, {measured['calls']} calls each")
    for row in rows(measured):
        table.add_row(*row)
    console = Console(width=200)
    console.print(table)
    for line in backends(measured):
        console.print(line, highlight=False)


if __name__ == "__main__":
    main()
