"""What systems take for photos, by turns."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Protocol

from rich.progress import track

from bench.peers.asking import About, Answer, PeerFailed

CALLS_A_TURN = 3
"""So that nobody's caches are always cold, as they are after a call of another system."""

WARM_UP_TURNS = 2
"""Node's compiler goes on mending for the first ten calls or so."""


class System(Protocol):
    """What is measured."""

    @property
    def about(self) -> About: ...

    def ask(self, photo: Path) -> Answer: ...


def measure(
    systems: Mapping[str, System], photos: Mapping[str, Path], turns: int, failures: MutableMapping[str, str]
) -> dict[tuple[str, str], list[Answer]]:
    """The answers by photo and system in so many turns, after those that warm up. A system that fails is asked no more;
    why it did is put into `failures`.
    """
    answers: dict[tuple[str, str], list[Answer]] = {(photo, name): [] for photo in photos for name in systems}
    for _ in track(range(WARM_UP_TURNS + turns), "Measuring", transient=True, auto_refresh=False):
        for photo, file in photos.items():
            for name, system in systems.items():
                if name in failures:
                    continue
                try:
                    answers[photo, name] += [system.ask(file) for _ in range(CALLS_A_TURN)]
                    _check_alike(answers[photo, name])
                except PeerFailed as failed:
                    failures[name] = str(failed)
    return {key: some[WARM_UP_TURNS * CALLS_A_TURN :] for key, some in answers.items()}


def _check_alike(answers: list[Answer]) -> None:
    faces = sorted({answer.faces for answer in answers})
    if len(faces) > 1:  # then something of one photo outlives it
        raise PeerFailed(f"It found {' or '.join(map(str, faces))} faces in the same photo: its times mean nothing.")


def figures(answers: Sequence[Answer]) -> dict[str, float]:
    """What a table shows of a system's answers for a photo."""
    times = [answer.ms for answer in answers]
    return {
        "faces": answers[0].faces,
        "median_ms": round(median(times), 2),
        "cpu_ms": round(median(answer.cpu_ms for answer in answers), 2),
        "p95_ms": round(quantiles(times, n=20, method="inclusive")[-1], 2),
        "decode_ms": round(median(answer.decode_ms for answer in answers), 2),
    }
