"""Galleries of many people: enrolment, cold load, search and memory. `python -m bench.gallery [--faces N]`.

On SQLite, one core, random unit vectors (an exhaustive search takes no longer for one than for another), one face a
person. What a cold load reads of DynamoDB is worked out from the size of the items that the adapter writes. Prints a
table and writes bench/results/gallery.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine, use_one_core
from mien.adapters.sqlite_gallery import SqliteGallery
from mien.adapters.warm_search import WarmSearch
from mien.domain.gallery import Action, Enrolled, GalleryId, Receipt, Subject, Templates, new_face_id
from mien.domain.matching import Embedding
from mien.domain.templates import pack

RESULTS = Path(__file__).with_name("results") / "gallery.json"

HERE = GalleryId("bench", "default")
SPACE = "faceplugin-embedding@00000000"
DIMENSIONS = 512
RUNS = 51
PAGE_BYTES = 1024 * 1024  # of a DynamoDB query
READ_UNIT_BYTES = 4096
DOLLARS_PER_READ_UNIT = 0.125e-6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gallery", description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000, help="how many people to enrol (default 100,000)")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    use_one_core()
    if options.load:
        print(json.dumps(load_and_search(options.load)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "gallery.sqlite"
        figures = fill(file, options.faces)
        child = [sys.executable, "-m", "bench.gallery", "--load", str(file)]
        figures |= json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    figures |= dynamodb_load(options.faces)
    table = Table("measure", "value", title=f"A gallery of {options.faces:,} faces")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"machine": machine(), "faces": options.faces, "figures": figures}
    RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def fill(file: Path, faces: int) -> dict[str, float]:
    gallery = SqliteGallery(file)
    rng = np.random.default_rng(0)
    now = datetime.now(UTC)
    start = time.perf_counter()
    for number in track(range(faces), "Enrolling", transient=True):
        gallery.swap(
            HERE, Receipt.of(Action.REGISTERED, name(number), 1, "bench", now), None, somebody(number, rng, now)
        )
    took = time.perf_counter() - start
    gallery.close()
    return {
        "enrolment on SQLite, ms": round(took / faces * 1000, 3),
        "SQLite file, bytes a face": round(file.stat().st_size / faces),
        "template, bytes": len(pack([Embedding(np.ones(DIMENSIONS, np.float32), SPACE)])),
    }


def somebody(number: int, rng: np.random.Generator, now: datetime) -> Enrolled:
    vector = rng.standard_normal(DIMENSIONS).astype(np.float32)
    packed = pack([Embedding(vector / np.linalg.norm(vector), SPACE)])
    subject = Subject(name(number), (new_face_id(),), SPACE, None, now, now)
    return Enrolled(subject, Templates(subject.uid, SPACE, packed))


def name(number: int) -> str:
    return f"person-{number:09d}"


def load_and_search(file: Path) -> dict[str, float]:
    """In a process of its own, so that memory is the gallery's alone."""
    rng = np.random.default_rng(1)
    gallery = SqliteGallery(file)
    search = WarmSearch(gallery, SPACE, DIMENSIONS)
    probes = [Embedding(row / np.linalg.norm(row), SPACE) for row in rng.standard_normal((10, DIMENSIONS), np.float32)]
    search.search(GalleryId("bench", "empty"), probes, 10)
    # Receipts of the last minute are read again after a cold load; they are not what is measured here.
    gallery._connection.execute("UPDATE receipts SET id = '0' || substr(id, 2)")
    before, start = resident_bytes(), time.perf_counter()
    found = search.search(HERE, probes[:1], 10)
    loaded, after = time.perf_counter() - start, resident_bytes()
    index = search._warm[HERE].index
    vectors = found.faces * (DIMENSIONS + 4)
    figures = {
        "cold load from SQLite and first search, s": round(loaded, 2),
        "resident memory, ratio to the bytes of the vectors": round((after - before) / vectors, 3),
    }
    for count in (1, 4, 10):
        rows = np.stack([probe.vector for probe in probes[:count]])
        figures[f"search alone, {count} faces, median ms"] = median_ms(lambda rows=rows: index.nearest(rows, 10, 0))
    figures["search with a look for changes, 1 face, median ms"] = median_ms(
        lambda: search.search(HERE, probes[:1], 10)
    )
    changed = iter(range(RUNS + 3))

    def change_and_search() -> None:
        now, number = datetime.now(UTC), next(changed)
        entry = Receipt.of(Action.UPDATED, name(number), 1, "bench", now)
        assert gallery.swap(HERE, entry, gallery.find(HERE, name(number)), somebody(number, rng, now))
        search.search(HERE, probes[:1], 10)

    figures["a change and the next search, 1 face, median ms"] = median_ms(change_and_search)
    return figures


def median_ms(action: Any) -> float:
    times = []
    for run in range(RUNS + 3):
        start = time.perf_counter()
        action()
        if run >= 3:
            times.append((time.perf_counter() - start) * 1000)
    return round(float(np.median(times)), 2)


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def dynamodb_load(faces: int) -> dict[str, float]:
    """Pages and read units of a cold load, eventually consistent, by DynamoDB's rules."""
    from mien.adapters.dynamodb_gallery import PARTITIONS, item_bytes, templates_item

    now = datetime.now(UTC)
    size = item_bytes(templates_item(HERE, somebody(0, np.random.default_rng(0), now).templates))
    in_partition = Counter(zlib.crc32(name(number).encode()) % PARTITIONS for number in range(faces))
    pages = [-(-count * size // PAGE_BYTES) for count in in_partition.values()]
    units = sum(-(-count * size // READ_UNIT_BYTES) for count in in_partition.values()) / 2
    return {
        "DynamoDB, bytes a face": size,
        "DynamoDB cold load, pages": sum(pages),
        "DynamoDB cold load, pages one after another": max(pages),
        "DynamoDB cold load, read units": round(units),
        "DynamoDB cold load, dollars": round(units * DOLLARS_PER_READ_UNIT, 6),
    }


if __name__ == "__main__":
    main()
