"""How a peer in Python is asked, like answering.js: it says one line of JSON about itself, then one for each file named
to it. Runs in the peer's own environment, on the standard library.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, process_time
from typing import Any


def serve(about: Mapping[str, Any], decode: Callable[[bytes], Any], analyse: Callable[[Any], int]) -> None:
    """Say `about`, then for each line of input, a file's name, what decoding and analysing (image → faces) it takes."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries' chatter is no answer

    def say(line: Mapping[str, Any]) -> None:
        print(json.dumps(line), file=answers, flush=True)

    say(about)
    for line in sys.stdin:
        jpeg = Path(line.rstrip("\n")).read_bytes()
        used, start = process_time(), perf_counter()
        image = decode(jpeg)
        decoded = perf_counter()
        faces = analyse(image)
        ms, cpu_ms = (perf_counter() - start) * 1000, (process_time() - used) * 1000
        say({"faces": faces, "ms": ms, "cpu_ms": cpu_ms, "decode_ms": (decoded - start) * 1000})
