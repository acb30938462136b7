"""How what needs torch and the labelled photos is run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch


def run(module: str, about: str | None, action: Callable[[Path], None]) -> None:
    """Read the folder of labelled photos, and how many threads to take, from the command line; then act."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # weights that decayed to next to nothing make arithmetic several times slower
    action(options.data)
