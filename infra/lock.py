"""Pin what each function installs, with hashes, in its requirements.txt. `python -m infra.lock UV`."""

from __future__ import annotations

import subprocess
import sys

from infra.functions import FUNCTIONS, FunctionSpec
from mien import settings

# The base image's Python. Hashes of every platform's wheels are kept, so that arm64 needs no lock of its own.
_TARGET = ("--python-version", "3.13", "--python-platform", "linux")


def lock(function: FunctionSpec, uv: str) -> None:
    """Write functions/<name>/requirements.txt."""
    extras = [f"--extra={extra}" for extra in function.extras]
    output = ["--output-file", f"functions/{function.name}/requirements.txt"]
    options = [
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-annotate",
        "--quiet",
        "--custom-compile-command",
        "make lock",
    ]
    command = [uv, "pip", "compile", *_TARGET, *options, *extras, "layers/pyproject.toml", *output]
    subprocess.run(command, cwd=settings.CHECKOUT, check=True)


if __name__ == "__main__":
    for function in FUNCTIONS:
        lock(function, sys.argv[1])
