"""The loop: Hypothesis makes inputs from a seed until the time is up, and a process of its own takes them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Pipe
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.inputs import IMAGE, Input, inputs
from tests.fuzz.target import Outcome

ROUND = 200
MAX_SECONDS = 2.0
MAX_BYTES = 300 * 1024 * 1024
GIVE_UP_SECONDS = 20
TARGET = "import sys; from tests.fuzz.target import serve; serve(int(sys.argv[1]))"


@dataclass
class Report:
    """What came of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    harms: list[str] = field(default_factory=list)
    slowest: float = 0.0
    peak_bytes: int = 0
    seconds: float = 0.0

    def table(self) -> str:
        count = self.outcomes.total()
        lines = [f"{count:,} inputs in {self.seconds:.0f} s, {count / max(self.seconds, 1):.0f} a second"]
        lines += [f"{number:10,}  {name}" for name, number in self.outcomes.most_common()]
        lines += [f"slowest {self.slowest * 1000:.0f} ms of CPU", f"peak {self.peak_bytes / 1e6:.0f} MB over idle"]
        lines += [f"{len(self.harms)} harmful", *self.harms]
        return "\n".join(lines)


class Target:
    """A handle on the process, which is started anew when it has died."""

    def __init__(self, code: str, log: Path) -> None:
        self._code, self._log = code, log
        self._start()

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self._code, str(theirs.fileno())], pass_fds=[theirs.fileno()], stderr=log
            )
        theirs.close()
        self.idle_bytes: int = self._connection.recv().peak_bytes

    def __call__(self, given: Input) -> Outcome:
        """What came of an input; a process that dies or hangs is a bug by the log it leaves."""
        try:
            self._connection.send(given)
            if self._connection.poll(GIVE_UP_SECONDS):
                outcome: Outcome = self._connection.recv()
                return outcome
            name = "hang"
        except (EOFError, OSError):
            name = "crash"
        log = self._log.read_text(errors="replace")[-2000:]
        self.close()
        self._start()
        return Outcome(name, GIVE_UP_SECONDS if name == "hang" else 0.0, 0, log or name)

    def close(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()


def fuzz(seconds: float, first_seed: int, folder: Path, code: str = TARGET, least: int = 100) -> Report:
    """Run for so long, and for so many inputs at least.

    Those that crash, hang, raise what is not ours, or cost too much are saved in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report, target, start = Report(), Target(code, folder / "target.log"), time.monotonic()

    def wanted() -> bool:
        return time.monotonic() - start < seconds or report.outcomes.total() < least

    def one(given_input: Input) -> None:
        if wanted():
            _note(report, given_input, target(given_input), target.idle_bytes, folder)

    number = first_seed
    while wanted():
        hand_out(one, number)
        number += 1
    target.close()
    report.seconds = time.monotonic() - start
    return report


def hand_out(take: Callable[[Input], None], number: int) -> None:
    """Give out the inputs of a seed, one after the other."""
    limits = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @limits
    @given(inputs())
    def each(one: Input) -> None:
        take(one)

    each()


def _note(report: Report, given_input: Input, outcome: Outcome, idle_bytes: int, folder: Path) -> None:
    kind = "image" if given_input.kind == IMAGE else "body"
    report.outcomes[f"{kind}: {outcome.name}"] += 1
    report.slowest = max(report.slowest, outcome.seconds)
    peak = outcome.peak_bytes - idle_bytes
    why = outcome.bug
    if not why and outcome.seconds > MAX_SECONDS:
        why = f"{outcome.seconds:.1f} s of CPU"
    if not why and peak > max(MAX_BYTES, report.peak_bytes):
        why = f"{peak / 1e6:.0f} MB"
    report.peak_bytes = max(report.peak_bytes, peak)
    if why:
        saved = folder / f"{outcome.name}-{hashlib.sha256(given_input.data).hexdigest()[:12]}"
        saved.write_bytes(given_input.data)
        report.harms.append(f"{saved.name} ({given_input.kind}): {why}")
