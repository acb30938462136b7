"""docs/performance.md, made from what `make bench` and `make bench-peers` measured. `python -m bench.report`. A test
compares it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers.table import HEADINGS, backends, rows
from mien import settings

RESULTS = Path(__file__).with_name("results")
PAGE = settings.CHECKOUT / "docs" / "performance.md"

INTRODUCTION = """# How fast, how large

Made by `make bench` and `make bench-peers` from `bench/results`; do not edit. They measure on one core, with one
thread, on whatever machine they run, shared or not: read ratios, not milliseconds, and measure on yours. `tests/perf`
holds ratios of one run to bounds in continuous integration.
[Why a large photo is cheap](decisions/0013-a-glance-first.md),
[why the networks are as they are](decisions/0014-weights-in-eight-bits.md). How images start:
`make image-check`, [images](images.md)."""

PEERS = """Packages that come from a registry with their weights, and Mien, from proxy event to response.
`make bench-peers` asks all of them by turns in one run, on one core and one thread, from the bytes of a JPEG to the
answer, warmed up; nothing is kept from one photo to the next. Peers are called as their own pages do it and with their
own settings, but for what is in their favour: Node decodes with sharp, and human is asked for a confidence of 0.5, as
at its own 0.2 it works on a face that is none. A face counts when all that is listed was told of it.

× is how many times Mien's time on the CPU a peer takes: on a core of one's own that is the time that passes, and on a
shared one, where the longer call is interrupted more, it is fairer to the slower. Where a peer gives an embedding, it
is `recognize_face` that does as much."""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page's text."""
    names = ("speed", "footprint", "peers")
    speed, footprint, peers = (json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in names)
    return "\n".join([INTRODUCTION, "", *_speed(speed), "", *_peers(peers), "", *_footprint(footprint)]) + "\n"


def _speed(speed: dict[str, Any]) -> Iterator[str]:
    cases = speed["cases"]
    one = cases["640×480, 1 face"]["median_ms"]
    stages = list(dict.fromkeys(stage for case in cases.values() for stage in case["stages_ms"]))
    yield f"## From proxy event to response: medians of {speed['runs']} runs, ms ({speed['machine']['cpu']})"
    yield ""
    yield f"| photo | whole | p95 | × one face at 640×480 | {' | '.join(stages)} |"
    yield "|---" * (4 + len(stages)) + "|"
    for name, case in cases.items():
        parts = " | ".join(f"{case['stages_ms'][stage]:.1f}" if stage in case["stages_ms"] else "" for stage in stages)
        ratio = case["median_ms"] / one
        yield f"| {name} | {case['median_ms']:.1f} | {case['p95_ms']:.1f} | {ratio:.1f} | {parts} |"


def _peers(peers: dict[str, Any]) -> Iterator[str]:
    yield f"## Beside others: medians of {peers['calls']} calls, ms ({peers['machine']['cpu']})"
    yield ""
    yield PEERS
    yield ""
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---" * len(HEADINGS) + "|"
    for row in rows(peers):
        yield f"| {' | '.join(row)} |"
    yield ""
    for line in backends(peers):
        yield f"- {line}"


def _footprint(footprint: dict[str, Any]) -> Iterator[str]:
    yield "## Starts, calls by family, memory, bytes, throughput, money"
    yield ""
    yield "| measure | value | unit |"
    yield "|---|---|---|"
    for figure in footprint["figures"]:
        digits = 3 if figure["unit"] == "$" else 1
        yield f"| {figure['measure']} | {figure['value']:,.{digits}f} | {figure['unit']} |"


if __name__ == "__main__":
    main()
