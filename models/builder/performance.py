"""The page docs/performance.md, made from what the benches wrote and the prices that the code reckons with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien.domain.prices import batch_cost, cost

_MACHINE = ("cpu", "python", "onnxruntime", "opencv")
_BATCHED = 1_000_000

Results = dict[str, Any]


def performance_page(results: Path) -> str:
    """The text of the page; `results` is the folder that the benches write to."""
    speed, gallery, image, batch, soak = (
        json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("speed", "gallery", "image", "batch", "soak")
    )
    parts = (_top(speed), _calls(speed), _functions(image), _galleries(gallery), _crowd(soak), _photos(batch), _costs())
    return "\n".join(line for part in parts for line in part) + "\n"


def _top(speed: Results) -> Iterator[str]:
    yield "# Performance and cost"
    yield ""
    yield "Made by `make documents` from what the benches wrote; do not edit. The machine was shared while most of this"
    yield "was measured, so a quiet one is faster. Run the benches on yours: `make bench` for calls and galleries,"
    yield "`make image-check` for functions, `make soak`, `python -m bench.batch`."
    yield ""
    yield f"Calls were measured with {_machine(speed)}."
    yield ""


def _calls(speed: Results) -> Iterator[str]:
    yield "## A call, on one core"
    yield ""
    yield "From API Gateway's event to the response of `/face_analytics`, milliseconds:"
    yield ""
    yield "| photo | faces | median | 95th percentile |"
    yield "|---|---|---|---|"
    for name, case in speed["cases"].items():
        yield f"| {name} | {case['faces']} | {case['median_ms']:.0f} | {case['p95_ms']:.0f} |"
    yield ""
    yield "Of a photo of 640×480 with one face, by stage:"
    yield ""
    yield "| stage | ms |"
    yield "|---|---|"
    yield from (f"| {stage} | {ms:.1f} |" for stage, ms in speed["cases"]["640×480, 1 face"]["stages_ms"].items())
    yield ""


def _functions(image: Results) -> Iterator[str]:
    yield "## A function, from its image"
    yield ""
    yield "Started by AWS's runtime client on a stand-in for AWS's base image ([how](images.md)). On Lambda the image"
    yield "has to be loaded first, which is not in here."
    yield ""
    yield "| function | until it has loaded, ms | first call, ms | warm call, ms | memory, MB |"
    yield "|---|---|---|---|---|"
    for name, each in image["functions"].items():
        times = " | ".join(f"{each[time]:.0f}" for time in ("init_ms", "first_call_ms", "warm_call_ms", "memory_mb"))
        yield f"| {name} | {times} |"
    yield ""


def _galleries(gallery: Results) -> Iterator[str]:
    yield f"## A gallery of {gallery['faces']:,} faces"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {what} | {value:g} |" for what, value in gallery["figures"].items())
    yield ""


def _crowd(soak: Results) -> Iterator[str]:
    yield "## Many clients at once"
    yield ""
    yield "`make soak`: good and bad requests of every kind from several clients at the local server."
    yield ""
    yield "| | |"
    yield "|---|---|"
    shown = {what: value for what, value in soak["figures"].items() if not isinstance(value, list | dict)}
    yield from (f"| {what} | {value:g} |" for what, value in shown.items())
    yield ""


def _photos(batch: Results) -> Iterator[str]:
    figures = batch["batch"]
    load = batch["machine"]["load_average"]
    yield "## A folder of photos"
    yield ""
    pace, idle = figures["photos_per_second"], figures["nothing_to_do_seconds"]
    yield f"`mien batch` on {figures['photos']:,} photos, {figures['corrupt']} of them corrupt, killed twice on the"
    yield f"way: {figures['results']:,} results in the end, {pace:g} photos a second on two cores that were"
    yield f"busy with other work (load {load:.0f}), and {idle:g} s to see that nothing is left to do."
    yield ""


def _costs() -> Iterator[str]:
    yield "## What it costs on AWS"
    yield ""
    yield "List prices of us-east-1 as `layers/mien/domain/prices.py` has them, without free tiers; the seconds behind"
    yield "them are estimates until a deployment has measured its own. While nobody calls, only storage is paid for"
    yield "([deploy](deploy.md))."
    yield ""
    yield "| | dollars |"
    yield "|---|---|"
    for endpoint in ("face_analytics", "emotion-detection", "recognize_face", "validate_faces", "uploads"):
        yield f"| a thousand calls of `{endpoint}` | {cost({endpoint: 1000}):.4f} |"
    yield f"| a back catalogue of {_BATCHED:,} photos | {batch_cost(_BATCHED):.0f} |"


def _machine(results: Results) -> str:
    machine = results["machine"]
    cpu, python, onnxruntime, opencv = (machine[name] for name in _MACHINE)
    return f"{cpu}, Python {python}, onnxruntime {onnxruntime}, OpenCV {opencv}"
