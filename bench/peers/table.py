"""What `make bench-peers` measured, as rows for a screen or a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ANALYTICS, RECOGNITION = "Mien, face_analytics", "Mien, recognize_face"

HEADINGS = (
    "photo",
    "system",
    "what it tells",
    "faces",
    "median ms",
    "p95 ms",
    "decoding ms",
    "CPU ms",
    "CPU × face_analytics",
    "CPU × recognize_face",
    "networks, MB",
)


def rows(measured: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each photo and system; of a system that failed, why."""
    systems = measured["systems"]
    for photo, times in measured["photos"].items():
        for name, system in systems.items():
            if name in times:
                yield (photo, name, system["work"], *_figures(times, name), f"{system['model_bytes'] / 1e6:.1f}")
    for name, why in measured["failures"].items():
        yield ("", name, why, *[""] * (len(HEADINGS) - 3))


def _figures(times: dict[str, Any], name: str) -> tuple[str, ...]:
    own = times[name]
    ratios = (own["cpu_ms"] / times[mien]["cpu_ms"] for mien in (ANALYTICS, RECOGNITION))
    return (
        str(own["faces"]),
        f"{own['median_ms']:.1f}",
        f"{own['p95_ms']:.1f}",
        f"{own['decode_ms']:.1f}",
        f"{own['cpu_ms']:.1f}",
        *(f"{ratio:.{1 if ratio >= 1 else 2}f}" for ratio in ratios),
    )


def backends(measured: dict[str, Any]) -> Iterator[str]:
    """A line for each system: its version, and what it ran on."""
    for name, system in measured["systems"].items():
        yield f"{name} {system['version']}: {system['backend']}"
