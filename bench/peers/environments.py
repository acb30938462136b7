"""Where peers live: each in a folder of its own under var/, made of pinned packages once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.peers.asking import PeerFailed, last_words
from mien import settings

HERE = Path(__file__).parent
HOME = settings.CHECKOUT / "var" / "peers"
PATIENCE_S = 900


def node_packages() -> Path:
    """The folder of the packages of package-lock.json. Raises PeerFailed."""
    folder = HOME / "node"
    pins = (HERE / "package-lock.json").read_text(encoding="utf-8")
    if not _is_ready(folder, pins):
        _make_anew(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder)
        _run(list(map(str, command)), folder)
        _set_ready(folder, pins)
    return folder / "node_modules"


def python_of(name: str) -> Path:
    """The Python that has the packages of NAME.txt. Raises PeerFailed."""
    folder, requirements = HOME / name, HERE / f"{name}.txt"
    pins = f"{sys.version}\n{requirements.read_text(encoding='utf-8')}"
    python = folder / "bin" / "python"
    if not _is_ready(folder, pins):
        _make_anew(folder)
        _run([sys.executable, "-m", "venv", str(folder)], folder)
        _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(requirements)], folder)
        _set_ready(folder, pins)
    return python


def log_of(folder: Path) -> Path:
    """Where what a peer and its making say is kept."""
    return folder.with_suffix(".log")


def _is_ready(folder: Path, pins: str) -> bool:
    ready = folder / ".ready"
    return ready.exists() and ready.read_text(encoding="utf-8") == pins


def _set_ready(folder: Path, pins: str) -> None:
    (folder / ".ready").write_text(pins, encoding="utf-8")


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _run(command: Sequence[str], folder: Path) -> None:
    log = log_of(folder)
    with log.open("w", encoding="utf-8") as chatter:
        try:
            done = subprocess.run(command, stdout=chatter, stderr=chatter, timeout=PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerFailed(f"It could not be set up: {error}. Mend it, then run `make bench-peers` again.") from None
    if done.returncode:
        raise PeerFailed(f"It could not be set up. {last_words(log)}")
