"""docs/performance.md, made from what `make bench` measured. `python -m bench.report`. A test compares it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien import settings

RESULTS = Path(__file__).with_name("results")
PAGE = settings.CHECKOUT / "docs" / "performance.md"

INTRODUCTION = """# How fast, how large

Made by `make bench` from `bench/results`; do not edit. It measures on one core, with one thread, on whatever machine it
runs, shared or not: read ratios, not milliseconds, and measure on yours. `tests/perf` holds ratios of one run to bounds
in continuous integration. [Why a large photo is cheap](decisions/0013-a-glance-first.md),
[why the networks are as they are](decisions/0014-weights-in-half-precision.md). How images start:
`make image-check`, [images](images.md)."""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page's text."""
    speed, footprint = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("speed", "footprint"))
    return "\n".join([INTRODUCTION, "", *_speed(speed), "", *_footprint(footprint)]) + "\n"


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
