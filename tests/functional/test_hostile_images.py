"""Every image of the catalogue, handed to a process that runs the analytics function, as the server runs it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.cli.sample_photos import group, jpeg
from mien.domain.errors import MienError
from mien.http.errors import ERRORS
from mien.http.routes import FACE_ANALYTICS
from mien.local.environment import Environment
from tests.events import form_event
from tests.hostile import CATALOGUE, JPEGS, PNGS, WEBPS, Hostile

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read as on Linux")

MEMORY = 300 * 1024 * 1024
CPU_SECONDS = 2.0
"""Twice what any image may take: other processes share this machine's caches."""


class Process:
    """A function's process, watched from outside."""

    def __init__(self, handler: Path) -> None:
        self.environment = Environment(handler, {})
        self.environment.wait_until_ready()
        self.folder = Path(f"/proc/{self.environment._process.pid}")

    def call(self, image: bytes) -> tuple[int, dict[str, Any]]:
        answer = self.environment.invoke(form_event(FACE_ANALYTICS, image), "request-1", seconds=60)
        return answer["statusCode"], json.loads(answer["body"])

    def memory(self, field: str) -> int:
        """Bytes: VmRSS is now, VmHWM is the most since `forget_peak`."""
        (kilobytes,) = re.findall(rf"{field}:\s+(\d+)", (self.folder / "status").read_text())
        return int(kilobytes) * 1024

    def forget_peak(self) -> None:
        (self.folder / "clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        user, system = (self.folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def process(functions: Path) -> Iterator[Process]:
    """Warm: it has answered a crowd, for which the networks' memory has grown to its largest."""
    process = Process(functions / "analytics" / "handler.py")
    process.call(jpeg(group(60, 1920, 1920)))
    yield process
    process.environment.close()


@pytest.fixture(scope="module")
def faces_of_good_photo(process: Process, photo) -> Any:
    return process.call(photo("astronaut"))[1]["faces"]


@pytest.mark.parametrize("image", CATALOGUE, ids=lambda image: image.name)
def test_a_hostile_image_gets_its_status_at_its_price_and_harms_nobody(
    image: Hostile, process: Process, faces_of_good_photo: Any, photo
) -> None:
    data = image.make()
    process.forget_peak()
    before, idle = process.cpu_seconds(), process.memory("VmRSS")
    status, body = process.call(data)
    assert process.cpu_seconds() - before < CPU_SECONDS
    assert process.memory("VmHWM") - idle < MEMORY
    assert (status, body["status"]) == (image.status, "success" if image.status == 200 else "error"), body
    assert process.call(photo("astronaut"))[1]["faces"] == faces_of_good_photo


def test_the_process_does_not_grow_with_every_image(process: Process) -> None:
    data = [image.make() for image in (*JPEGS, *PNGS, *WEBPS)]
    after = []
    for _ in range(3):
        for image in data:
            process.call(image)
        after.append(process.memory("VmRSS"))
    assert after[-1] - after[0] < 0.1 * MEMORY


def test_names_are_unique_and_statuses_are_the_contracts() -> None:
    assert len({image.name for image in CATALOGUE}) == len(CATALOGUE)
    statuses = {entry.status for error, entry in ERRORS.items() if issubclass(error, MienError)}
    assert {image.status for image in CATALOGUE} <= statuses | {200}
