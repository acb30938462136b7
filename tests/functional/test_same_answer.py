"""The same bytes get the same answer, however they are sent and whoever else is asking."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import requests

from mien.cli.sample_photos import PORTRAITS
from tests.functional.servers import Server
from tests.hostile import JPEGS, PNGS, WEBPS

PATH = "/api/v1/face_analytics"


def as_form(server: Server, photo: bytes) -> requests.Response:
    return server.analyse(photo)


def as_body(server: Server, photo: bytes) -> requests.Response:
    headers = {"content-type": "image/jpeg", "x-key-secret": server.key}
    return requests.post(f"{server.url}{PATH}", headers=headers, data=photo, timeout=60)


def as_base64(server: Server, photo: bytes) -> requests.Response:
    return server.post(PATH, json={"image": b64encode(photo).decode()})


def as_data_uri(server: Server, photo: bytes) -> requests.Response:
    return server.post(PATH, json={"face_image": f"data:image/jpeg;base64,{b64encode(photo).decode()}"})


WAYS = (as_form, as_body, as_base64, as_data_uri)


def answer(response: requests.Response) -> tuple[int, Any]:
    body = response.json()
    return response.status_code, body.get("faces", body.get("message"))


@pytest.mark.parametrize("name", ["obama2", "coffee"])
def test_every_way_of_sending_a_photo_gets_the_same_answer(name: str, server: Server, photo) -> None:
    first, *others = (answer(way(server, photo(name))) for way in WAYS)
    assert first[0] == 200
    assert others == [first] * 3


def test_clients_at_once_get_each_its_own_answer_with_hostile_images_among_them(server: Server, photo) -> None:
    harmful = [image.make() for image in (*JPEGS, *PNGS, *WEBPS) if "MP" not in image.name]
    chance = np.random.default_rng(3)
    sent = [photo(name) for name in PORTRAITS] + [harmful[i] for i in chance.permutation(len(harmful))[:12]]
    alone = [answer(as_form(server, image)) for image in sent]
    calls: list[tuple[int, Callable[..., requests.Response]]] = [(i, way) for i in range(len(sent)) for way in WAYS]
    chance.shuffle(calls)
    with ThreadPoolExecutor(6) as clients:
        together = list(clients.map(lambda call: answer(call[1](server, sent[call[0]])), calls))
    assert together == [alone[i] for i, _ in calls]
