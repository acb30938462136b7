"""Times that can be compared on a busy machine: what is compared runs by turns, in one run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from mien import settings

BARE_START = "import numpy, cv2, onnxruntime"
"""What a function that runs networks cannot do without."""

ANALYTICS_START = "import functions.analytics.handler"

WITH_DYNAMODB = {
    "MIEN_METER": "dynamodb:meter",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
}
"""As deployed: boto3 is loaded too, though it calls nobody yet."""


def interleaved(actions: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds that each action took in each round; the first round, which warms up, is left out."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: some[1:] for name, some in times.items()}


def ratios(times: Mapping[str, list[float]], reference: str) -> dict[str, float]:
    """How many times the reference's each median is."""
    return {name: median(some) / median(times[reference]) for name, some in times.items()}


def start(code: str, **variables: str) -> None:
    """Run code in a fresh interpreter, as a function starts: from the checkout, these variables in its environment."""
    command = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(command, cwd=settings.CHECKOUT, env=os.environ | variables, check=True, capture_output=True)
