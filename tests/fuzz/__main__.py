"""`python -m tests.fuzz [--seconds 60] [--seed 1]`: a table of outcomes; what harms is saved, and the exit status 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.run import fuzz

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("var/fuzz"))
    arguments = parser.parse_args()
    report = fuzz(arguments.seconds, arguments.seed, arguments.folder)
    sys.stdout.write(report.table() + "\n")
    sys.exit(bool(report.harms))
