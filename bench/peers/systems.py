"""Mien and its peers, what each tells of a face, and how it is started."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

os.environ["MIEN_THREADS"] = "1"
os.environ["MIEN_METER"] = f"sqlite:{tempfile.mkdtemp()}/mien.sqlite"
os.environ["MIEN_GALLERY"] = f"sqlite:{tempfile.mkdtemp()}/gallery.sqlite"
os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"

from bench.events import photo_event
from bench.machine import machine
from bench.peers.asking import About, Answer, PeerProcess
from bench.peers.environments import HERE, HOME, log_of, node_packages, python_of
from bench.peers.measuring import System
from bench.peers.table import ANALYTICS, RECOGNITION
from functions.analytics.handler import lambda_handler as analytics
from functions.recognition.handler import lambda_handler as recognition
from mien import __version__, settings
from mien.http.routes import FACE_ANALYTICS, RECOGNIZE_FACE, Route
from mien.local.environment import LocalContext
from mien.usecases.analyse_image import ANALYSIS
from mien.vision.decode import decode
from mien.vision.manifest import MANIFEST_NAME, Task, load_manifest


@dataclass(frozen=True, slots=True)
class Entry:
    """What a system tells of each face, and how it is started. Starting may raise PeerFailed."""

    work: str
    start: Callable[[], System]


@dataclass(frozen=True, slots=True)
class Mien:
    """From proxy event to response, in this process."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    route: Route
    about: About

    def ask(self, photo: Path) -> Answer:
        data = photo.read_bytes()
        event, context = photo_event(self.route, data), LocalContext("peers", "bench")
        used, start = process_time(), perf_counter()
        response = self.handler(event, context)
        ms, cpu_ms = (perf_counter() - start) * 1000, (process_time() - used) * 1000
        start = perf_counter()
        decode(data)  # once more, to know its share
        decode_ms = (perf_counter() - start) * 1000
        assert response["statusCode"] == 200, response["body"]
        return Answer(json.loads(response["body"])["face_count"], ms, cpu_ms, decode_ms)


def mien(handler: Callable[[dict[str, Any], Any], dict[str, Any]], route: Route, *tasks: Task) -> Mien:
    """Mien's answer to a route, and the networks of these tasks behind it."""
    manifest, on = load_manifest(settings.models_folder() / MANIFEST_NAME), machine()
    backend = f"onnxruntime {on['onnxruntime']}; Python {on['python']}; OpenCV {on['opencv']}"
    return Mien(handler, route, About(__version__, backend, sum(manifest.for_task(task).bytes for task in tasks)))


def node(script: str, *arguments: str) -> PeerProcess:
    """The peer of a script here, in Node. Raises PeerFailed."""
    command = ("node", str(HERE / f"{script}.js"), *arguments)
    return PeerProcess(command, log_of(HOME / "-".join((script, *arguments))), {"NODE_PATH": str(node_packages())})


def python(name: str) -> PeerProcess:
    """The peer of a module here, in the Python that has its packages. Raises PeerFailed."""
    return PeerProcess((str(python_of(name)), "-m", f"bench.peers.{name}_peer"), log_of(HOME / name))


FACE_API = "box, 68 points, age, gender, expression, embedding"

ENTRIES = {
    ANALYTICS: Entry(
        "box, 5 points, age, gender, expression, liveness, pose, quality",
        lambda: mien(analytics, FACE_ANALYTICS, *ANALYSIS),
    ),
    RECOGNITION: Entry(
        "the same and an embedding, looked up in an empty gallery",
        lambda: mien(recognition, RECOGNIZE_FACE, *ANALYSIS, "embedding"),
    ),
    "human": Entry("box, mesh, age, gender, embedding, emotion, antispoof, liveness", lambda: node("human")),
    "face-api, tiny detector": Entry(FACE_API, lambda: node("face_api", "tiny")),
    "face-api, SSD detector": Entry(FACE_API, lambda: node("face_api", "ssd")),
    "face_recognition (dlib)": Entry("box (HOG), 5 points, embedding", lambda: python("dlib")),
    "mediapipe": Entry("box, mesh", lambda: python("mediapipe")),
}
