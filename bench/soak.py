"""Many requests, good and bad, from several clients at once. `python -m bench.soak [--requests N] [--clients N]`.

Every client has a key of its own and knows what each of its answers must be: the faces of a photo as they were found
when it was alone, whom it enrolled, how many calls it was billed. Prints and writes to bench/results/soak.json how many
answers of which status, how long they took and how much memory the server with its functions held; exits with 1 when a
request got no answer, a wrong one, or one of 500 and above, or memory grew once it was warm.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import psutil
import requests
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bench.server import Server, start, stop
from mien import settings
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.cli.sample_photos import group, jpeg
from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from mien.http import routes
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.routes import Route
from mien.http.wire import KEY_HEADER, UID_HEADER

RESULTS = Path(__file__).with_name("results") / "soak.json"
PHOTOS = settings.CHECKOUT / "docs" / "photos"

NAMES = ("astronaut", "obama", "biden", "coffee")
NO_LIVENESS = {"min_liveness": "0"}

SLOW, HUNG_UP = "slow upload", "hung up"

SECONDS = 60
PIECES = 4
PAUSE_SECONDS = 0.02
SAMPLES = 40
WARM_UP = 0.4
MAX_GROWTH = 0.03
"""The median of the last fifth of samples may be so much above that of the first fifth after the warm-up."""
WARMING_CALLS = 800
"""With a shorter warm-up not every process has seen everything, and memory is not judged."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the statuses that it may be answered with, and whether a 200 is right."""

    method: str
    path: str
    expected: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    is_right: Callable[[Any], bool] = lambda _: True
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call. The status is 0 when there was no answer, and nothing is wrong with a call hung up on."""

    kind: str
    status: int
    milliseconds: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is sent, and the faces that each photo has by the name of an endpoint's route."""

    photos: dict[str, bytes]
    bad: dict[str, tuple[bytes, int]]
    faces: dict[tuple[str, str], Any]


class Client:
    """One caller with a key, and so a gallery, of its own."""

    def __init__(self, server: Server, number: int, known: Known, done: Callable[[], None]) -> None:
        """`done` is called after each call."""
        self._server, self._known, self._key, self._done = server, known, f"mien_soak_{number}", done
        self._random, self._session = random.Random(number), requests.Session()  # noqa: S311
        self._used = 0
        self._enrolled: str | None = None
        store = SqliteKeyStore(server.state / "mien.sqlite")
        now = datetime.now(UTC)
        name = f"soak-{number}"
        store.put(ApiKey(hash_secret(self._key), name, name, name, "unlimited", KeyStatus.ACTIVE, now))
        store.close()
        self._kinds: dict[str, tuple[int, Callable[[], Call]]] = {
            "photo in a form": (16, self._form),
            "photo as the body": (6, self._raw),
            "photo in JSON": (6, self._json),
            "two photos": (4, self._validate),
            "enrol": (4, self._enrol),
            "replace": (2, self._replace),
            "recognise": (8, self._recognise),
            "delete": (4, self._delete),
            "list": (3, self._list),
            "usage": (4, self._usage),
            "about": (4, self._about),
            "bad image": (12, self._bad_image),
            "bad request": (12, self._bad_request),
            "no such thing": (6, self._stranger),
        }

    def soak(self, calls: int) -> list[Outcome]:
        """Make so many calls, one after another."""
        names = [*self._kinds, SLOW, HUNG_UP]
        weights = [*(weight for weight, _ in self._kinds.values()), 3, 3]
        outcomes = []
        for kind in self._random.choices(names, weights, k=calls):
            outcomes.append(self._call(kind))
            self._done()
        self._session.close()
        return outcomes

    def _call(self, kind: str) -> Outcome:
        began = time.perf_counter()
        try:
            if kind == HUNG_UP:
                self._hang_up()
                return Outcome(kind, 0, 0.0)
            call, answer = self._slowly() if kind == SLOW else self._ask(self._kinds[kind][1]())
            status, body = answer
            problem = self._judge(call, status, body)
        except (requests.RequestException, OSError, http.client.HTTPException) as error:
            status, problem = 0, f"no answer: {type(error).__name__}"
        return Outcome(kind, status, (time.perf_counter() - began) * 1000, problem)

    def _ask(self, call: Call) -> tuple[Call, tuple[int, Any]]:
        headers = {KEY_HEADER: self._key} | call.options.get("headers", {})
        options = call.options | {"headers": headers}
        answer = self._session.request(call.method, self._server.url + call.path, timeout=SECONDS, **options)
        return call, (answer.status_code, answer.json())

    def _judge(self, call: Call, status: int, body: Any) -> str:
        self._used += call.billed and status == 200
        if status not in call.expected:
            return f"{call.method} {call.path} answered {status}, not {call.expected}: {str(body)[:200]}"
        if status == 200:
            return "" if call.is_right(body) else f"{call.method} {call.path} answered another's: {str(body)[:200]}"
        return "" if status == 429 or body["error"]["request_id"] else f"{call.path} answered another body"

    def _hang_up(self) -> None:
        """Begin an upload and go."""
        with socket.create_connection((urlsplit(self._server.url).hostname, urlsplit(self._server.url).port)) as there:
            head = f"POST {routes.FACE_ANALYTICS.url_path} HTTP/1.1\r\nhost: x\r\n{KEY_HEADER}: {self._key}\r\n"
            there.sendall(head.encode() + b"content-type: image/jpeg\r\ncontent-length: 100000\r\n\r\n" + bytes(5000))

    def _slowly(self) -> tuple[Call, tuple[int, Any]]:
        """A photo in pieces."""
        name, call = self._look(routes.FACE_ANALYTICS)
        photo = self._known.photos[name]
        connection = http.client.HTTPConnection(urlsplit(self._server.url).netloc, timeout=SECONDS)
        connection.putrequest("POST", call.path)
        for header, value in ((KEY_HEADER, self._key), ("content-type", "image/jpeg"), ("content-length", len(photo))):
            connection.putheader(header, str(value))
        connection.endheaders()
        size = -(-len(photo) // PIECES)
        for begin in range(0, len(photo), size):
            time.sleep(PAUSE_SECONDS)
            connection.send(photo[begin : begin + size])
        answer = connection.getresponse()
        status, body = answer.status, json.loads(answer.read())
        connection.close()
        return call, (status, body)

    def _look(self, route: Route | None = None) -> tuple[str, Call]:
        """A photo, and a call that must find what is known of it."""
        name = self._random.choice([*self._known.photos])
        route = route or self._random.choice([routes.FACE_ANALYTICS, routes.FACE_LIVENESS, routes.EMOTION_DETECTION])
        wanted = self._known.faces[route.name, name]
        return name, Call("POST", route.url_path, (200,), {}, lambda body: faces_of(body) == wanted, billed=True)

    def _form(self) -> Call:
        name, call = self._look()
        image = "image" if call.path == routes.EMOTION_DETECTION.url_path else "face_image"
        call.options["files"] = {image: self._known.photos[name]}
        return call

    def _raw(self) -> Call:
        name, call = self._look()
        call.options.update(data=self._known.photos[name], headers={"content-type": "image/jpeg"})
        return call

    def _json(self) -> Call:
        name, call = self._look()
        text = base64.b64encode(self._known.photos[name]).decode()
        call.options["json"] = {"image": self._random.choice(["", "data:image/jpeg;base64,"]) + text}
        return call

    def _validate(self) -> Call:
        first, second = self._random.sample(NAMES[:3], 2)
        second, same = self._random.choice([(first, True), (second, False)])
        files = {"image1": self._known.photos[first], "image2": self._known.photos[second]}
        return self._to(
            routes.VALIDATE_FACES, 200, {"files": files}, lambda body: body["match_result"] is same, billed=True
        )

    def _enrol(self) -> Call:
        name, was = self._random.choice(NAMES[:3]), self._enrolled
        self._enrolled = was or name
        return self._to(routes.REGISTER_FACE, 409 if was else 200, self._person(name), billed=True)

    def _replace(self) -> Call:
        name, was = self._random.choice(NAMES[:3]), self._enrolled
        self._enrolled = name if was else None
        return self._to(routes.UPDATE_FACE, 200 if was else 404, self._person(name), billed=True)

    def _person(self, name: str) -> dict[str, Any]:
        files = {"face_image": self._known.photos[name]}
        return {"files": files, "params": NO_LIVENESS, "headers": {UID_HEADER: "somebody"}}

    def _recognise(self) -> Call:
        name = self._random.choice(NAMES)
        told = [] if name == "coffee" else ["somebody" if name == self._enrolled else "unknown"]
        seen = self._known.faces[routes.FACE_ANALYTICS.name, name]

        def is_right(body: Any) -> bool:
            faces = faces_of(body)
            plain = [{key: value for key, value in face.items() if "recognition" not in key} for face in faces]
            return [face["recognition_uidresult"] for face in faces] == told and plain == seen

        return self._to(
            routes.RECOGNIZE_FACE, 200, {"files": {"face_image": self._known.photos[name]}}, is_right, billed=True
        )

    def _delete(self) -> Call:
        was, self._enrolled = self._enrolled, None
        return self._to(routes.DELETE_FACE, 200 if was else 404, {"headers": {UID_HEADER: "somebody"}})

    def _list(self) -> Call:
        people = 1 if self._enrolled else 0
        return self._to(routes.VIEW_DB, 200, {}, lambda body: len(body["faces_list"]) == people)

    def _usage(self) -> Call:
        used = self._used
        return self._to(routes.USAGE, 200, {}, lambda body: body["used"] == used)

    def _about(self) -> Call:
        route = self._random.choice([routes.HEALTH, routes.OPENAPI, routes.MODELS])
        call = self._to(route, 200, {})
        return Call(call.method, call.path, (200, 429)) if route.public else call  # all clients share its rate

    def _bad_image(self) -> Call:
        image, status = self._random.choice([*self._known.bad.values()])
        route = self._random.choice([routes.FACE_ANALYTICS, routes.RECOGNIZE_FACE])
        return self._to(route, status, {"files": {"face_image": image}})

    def _bad_request(self) -> Call:
        route = routes.FACE_ANALYTICS
        photo = {"files": {"face_image": self._known.photos["obama"]}}
        form = {"content-type": "multipart/form-data; boundary=B"}
        choices: list[tuple[Route, int, dict[str, Any]]] = [
            (route, 422, {}),
            (route, 422, photo | {"params": {"max_faces": "-1"}}),
            (route, 422, photo | {"params": {"no_such_parameter": "1"}}),
            (route, 422, {"json": {"image": 5}}),
            (route, 400, {"data": b"{", "headers": {"content-type": "application/json"}}),
            (route, 400, {"data": b"--B\r\nrubbish", "headers": form}),
            (routes.VALIDATE_FACES, 422, {"files": {"image1": self._known.photos["obama"]}}),
            (routes.REGISTER_FACE, 422, photo),
            (routes.VIEW_DB, 422, {"params": {"limit": "many"}}),
            (routes.USAGE, 422, {"params": {"month": "May"}}),
        ]
        return self._to(*self._random.choice(choices))

    def _stranger(self) -> Call:
        photo, path = {"files": {"face_image": self._known.photos["obama"]}}, routes.FACE_ANALYTICS.url_path
        return self._random.choice(
            [
                Call("POST", path, (401,), photo | {"headers": {KEY_HEADER: "mien_nobodys"}}),
                Call("POST", path, (401,), photo | {"headers": {KEY_HEADER: ""}}),
                Call("POST", f"{path}/more", (404,), photo),
                Call("GET", path, (405,)),
            ]
        )

    def _to(
        self,
        route: Route,
        status: int,
        options: dict[str, Any],
        is_right: Callable[[Any], bool] = lambda _: True,
        billed: bool = False,
    ) -> Call:
        return Call(route.method, route.url_path, (status,), options, is_right, billed)


def faces_of(body: Any) -> list[dict[str, Any]]:
    """The faces of an answer; an array of SmartClick's is them."""
    faces: list[dict[str, Any]] = body if isinstance(body, list) else body["faces"]
    return faces


def learn(server: Server) -> Known:
    """Ask for every photo alone."""
    photos = {name: (PHOTOS / f"{name}.jpg").read_bytes() for name in NAMES}
    photos["six people"] = jpeg(group(6, 900, 600))
    done, bomb = cv2.imencode(".png", np.zeros((6000, 10_000), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    bad = {
        "truncated": (photos["obama"][:-1000], 422),
        "text": (b"This is a text file named photo.jpg.", 415),
        "bomb": (bytes(bomb), 413),
        "too large": (photos["obama"] + bytes(MAX_IMAGE_BYTES), 413),
        "garbled": (photos["obama"][:2000] + bytes(2000), 422),
    }
    faces = {}
    for route in (routes.FACE_ANALYTICS, routes.FACE_LIVENESS, routes.EMOTION_DETECTION):
        for name, photo in photos.items():
            headers = {"content-type": "image/jpeg", KEY_HEADER: server.key}
            answer = requests.post(server.url + route.url_path, data=photo, headers=headers, timeout=SECONDS)
            faces[route.name, name] = faces_of(answer.json())
    return Known(photos, bad, faces)


class Watch:
    """What the server and its functions hold resident, in MB, after every so many calls."""

    def __init__(self, server: Server, every: int) -> None:
        self._server, self._every, self._calls, self._lock = psutil.Process(server.process.pid), every, 0, Lock()
        self.megabytes: list[float] = []

    def count(self) -> None:
        """One call more is answered."""
        with self._lock:
            self._calls += 1
            if self._calls % self._every == 0:
                processes = [self._server, *self._server.children(recursive=True)]
                self.megabytes.append(round(sum(each.memory_info().rss for each in processes) / 1e6, 1))


def growth(megabytes: Sequence[float]) -> float:
    """By which share the last fifth of samples lies above the first fifth after the warm-up, median by median."""
    warm = megabytes[int(len(megabytes) * WARM_UP) :]
    fifth = max(1, len(warm) // 5)
    return median(warm[-fifth:]) / median(warm[:fifth]) - 1


def soak(server: Server, calls: int, clients: int) -> tuple[list[Outcome], list[float], float]:
    """What came of every call, the samples of memory, and how many seconds it took."""
    known, watch = learn(server), Watch(server, max(1, calls // SAMPLES))
    callers = [Client(server, number, known, watch.count) for number in range(clients)]
    shares = [calls // clients + (number < calls % clients) for number in range(clients)]
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        outcomes = [each for some in pool.map(Client.soak, callers, shares) for each in some]
    return outcomes, watch.megabytes, time.perf_counter() - began


def report(outcomes: Sequence[Outcome], megabytes: Sequence[float], seconds: float) -> dict[str, Any]:
    """The figures."""
    times = [outcome.milliseconds for outcome in outcomes if outcome.status]
    cuts = quantiles(times, n=100)
    return {
        "requests": len(outcomes),
        "seconds": round(seconds, 1),
        "requests a second": round(len(outcomes) / seconds, 1),
        "answers by status": dict(sorted(Counter(str(each.status) for each in outcomes if each.status).items())),
        "hung up on": sum(each.kind == HUNG_UP for each in outcomes),
        "unanswered": sum(each.status == 0 and each.kind != HUNG_UP for each in outcomes),
        "5xx": sum(each.status >= 500 for each in outcomes),
        "wrong": sum(bool(each.problem) for each in outcomes),
        "latency p50, ms": round(cuts[49], 1),
        "latency p95, ms": round(cuts[94], 1),
        "latency p99, ms": round(cuts[98], 1),
        "memory when warm, MB": megabytes[int(len(megabytes) * WARM_UP)],
        "memory at the end, MB": megabytes[-1],
        "memory growth when warm, %": round(growth(megabytes) * 100, 2),
        "memory, MB": list(megabytes),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        server = start(Path(state), settings.CHECKOUT / "functions")
        try:
            outcomes, megabytes, seconds = soak(server, options.requests, options.clients)
        finally:
            stop(server)
    figures = report(outcomes, megabytes, seconds)
    table = Table("measure", "value", title=f"{options.requests:,} requests from {options.clients} clients")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console(width=120).print(table)
    RESULTS.write_text(
        json.dumps({"machine": machine(), "clients": options.clients, "figures": figures}, indent=1) + "\n"
    )
    problems = [outcome.problem for outcome in outcomes if outcome.problem]
    if options.requests * WARM_UP >= WARMING_CALLS and growth(megabytes) > MAX_GROWTH:
        problems.append(f"Memory grew by {growth(megabytes):.1%} once it was warm; at most {MAX_GROWTH:.0%} is flat.")
    for problem in problems[:10]:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
