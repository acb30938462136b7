"""Asking a peer, which is a process of its own, what a photo takes: a line each way."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from mien import settings

_ERROR = re.compile(r"(npm )?[\w.]*error\b", re.IGNORECASE)  # npm's, pip's, Python's and Node's begin so

PATIENCE_S = 120
"""How long a peer may take to start, or to answer."""


class PeerFailed(Exception):
    """A peer could not be set up or did not answer; says why, and what to do next."""


@dataclass(frozen=True, slots=True)
class About:
    """What is measured: the package's version, what it runs on, the bytes of the networks that it uses."""

    version: str
    backend: str
    model_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How many faces were found of which all is known, and the milliseconds from a JPEG's bytes to that: those that
    passed, those that the process ran on the CPU, and those that decoding took.
    """

    faces: int
    ms: float
    cpu_ms: float
    decode_ms: float


class PeerProcess:
    """A peer that runs `answering.py` or `answering.js`. Raises PeerFailed wherever it does not answer."""

    def __init__(self, command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as chatter:
            self._process = subprocess.Popen(
                command,
                cwd=settings.CHECKOUT,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=chatter,
                text=True,
            )
        try:
            self.about = read_about(self._line())
        except PeerFailed:
            self.close()
            raise

    def ask(self, photo: Path) -> Answer:
        """Have it analyse the JPEG of this file."""
        assert self._process.stdin
        try:
            self._process.stdin.write(f"{photo}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failed("ended") from None
        return read_answer(self._line())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            raise self._failed(f"said nothing for {PATIENCE_S} s")
        line = self._process.stdout.readline()
        if not line:
            raise self._failed("ended")
        return line

    def _failed(self, what: str) -> PeerFailed:
        return PeerFailed(f"It {what}. {last_words(self._log)}")


def read_about(line: str) -> About:
    """What a peer says first. Raises PeerFailed."""
    try:
        about = json.loads(line)
        return About(str(about["version"]), str(about["backend"]), int(about["model_bytes"]))
    except (ValueError, KeyError, TypeError):
        raise _nonsense(line) from None


def read_answer(line: str) -> Answer:
    """What a peer says of a photo. Raises PeerFailed."""
    try:
        answer = json.loads(line)
        return Answer(int(answer["faces"]), float(answer["ms"]), float(answer["cpu_ms"]), float(answer["decode_ms"]))
    except (ValueError, KeyError, TypeError):
        raise _nonsense(line) from None


def _nonsense(line: str) -> PeerFailed:
    return PeerFailed(
        f"It said what cannot be read: {line.strip()!r}. What a peer says is in `bench/peers/answering.py`."
    )


def last_words(log: Path) -> str:
    """The error that a log tells of, and where the rest is."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if _ERROR.match(line)), lines[-1] if lines else "It left no word.")
    where = os.path.relpath(log, settings.CHECKOUT)
    return f"{shorten(said, 200)} The whole is in {where}. Mend it, then run `make bench-peers` again."
