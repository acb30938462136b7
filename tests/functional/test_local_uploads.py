"""Photos that land on a laptop: dropped into a folder or posted with a form, and answered once whatever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mien.adapters.sqlite_meter import SqliteMeter
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.adapters.stores import open_folder
from mien.domain.keys import DEMO_TENANT
from mien.domain.uploads import Payer, Upload, UploadStatus, new_upload_id, upload_key
from mien.domain.usage import month_of
from mien.ports.clock import utc_now
from mien.ports.photo_store import PostForm
from tests.functional.servers import Server, start, stop
from tests.functional.waiting import until


def results(state: Path, folder: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_bytes()) for file in (state / "results" / folder).glob("*.json")]


def drop(state: Path, path: str, data: bytes) -> None:
    file = state / "uploads" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / ".new").write_bytes(data)
    (file.parent / ".new").rename(file)


def form_for(server: Server, key: str, size: int) -> PostForm:
    return open_folder(f"{server.state}#{server.url}/uploads").post_form(key, "image/jpeg", size)


def send(form: PostForm, data: bytes, **changes: str) -> requests.Response:
    return requests.post(form.url, {**form.fields, **changes}, files={"file": ("photo.jpg", data)}, timeout=60)


def refusal(response: requests.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/xml"
    return response.status_code, response.text.partition("<Code>")[2].partition("<")[0]


def test_a_photo_dropped_into_the_folder_has_its_result_beside_its_path(server: Server, photo) -> None:
    assert "uploads" in server.output
    drop(server.state, "acme/door/photo.jpg", photo("astronaut"))
    drop(server.state, "note.txt", b"no photo")
    (good,) = until(lambda: results(server.state, "acme/door"))
    assert good["face_count"] == 1
    assert good["faces"][0]["expression"] == "happy"
    assert (server.state / "results" / "acme" / "door" / f"photo.jpg.{good['upload']['id']}.json").exists()
    (file,) = until(lambda: [*(server.state / "results" / DEMO_TENANT).glob("note.txt.*.json")])
    assert json.loads(file.read_bytes())["error"]["code"] == "unsupported_image"


def test_a_photo_posted_with_a_form_finishes_the_upload_that_awaits_it(server: Server, photo) -> None:
    log, id, data = SqliteUploadLog(server.state / "mien.sqlite"), new_upload_id(), photo("obama")
    log.add(Upload(DEMO_TENANT, id, Payer("key-1", "free"), None, utc_now()))
    sent = send(form_for(server, upload_key(DEMO_TENANT, id), len(data)), data)
    assert (sent.status_code, sent.content) == (204, b"")
    assert sent.headers["access-control-allow-origin"] == "*"

    def done() -> Upload | None:
        upload = log.find(DEMO_TENANT, id)
        return upload if upload is not None and upload.status is not UploadStatus.PENDING else None

    upload = until(done)
    assert (upload.status, upload.face_count) == (UploadStatus.DONE, 1)
    assert (server.state / upload.result_key).exists()
    log.close()


def test_a_photo_of_25_mb_passes_the_door(server: Server, photo) -> None:
    data = photo("biden") + bytes(25 * 1024 * 1024 - len(photo("biden")))
    assert send(form_for(server, upload_key("large", "25mb"), len(data)), data).status_code == 204
    assert (server.state / "uploads" / "large" / "25mb").read_bytes() == data


def test_what_was_not_signed_does_not_land(server: Server, photo) -> None:
    data, key = photo("coffee"), upload_key("thief", "photo")
    form = form_for(server, key, len(data))
    assert refusal(send(form, data, key=upload_key("other", "photo"))) == (403, "AccessDenied")
    assert refusal(send(form, data, **{"Content-Type": "text/html"})) == (403, "AccessDenied")
    assert refusal(send(form, data, signature="0" * 64)) == (403, "AccessDenied")
    assert refusal(requests.post(form.url, files={"file": data}, timeout=60)) == (403, "AccessDenied")
    assert refusal(send(form, data + b"!")) == (400, "EntityTooLarge")
    assert refusal(send(form, data + bytes(30_000_000))) == (400, "EntityTooLarge")
    assert refusal(send(form, data[:-1])) == (400, "EntityTooSmall")
    assert refusal(send(form, data, more="x" * 30_000)) == (400, "MaxPostPreDataLengthExceeded")
    assert refusal(requests.post(form.url, data=dict(form.fields), timeout=60)) == (400, "MalformedPOSTRequest")
    for boundary in ("B", "B" * 300, ""):
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        broken = requests.post(form.url, data=b"--B\r\nrubbish", headers=headers, timeout=60)
        assert refusal(broken) == (400, "MalformedPOSTRequest")
    assert refusal(requests.get(form.url, timeout=60)) == (405, "MethodNotAllowed")
    assert not any((server.state / "uploads").rglob("thief/*"))


@pytest.fixture
def killed(functions: Path, tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """A server that is started anew on the same state."""
    running: list[Server] = []

    def start_again() -> Server:
        running.append(start(tmp_path, functions))
        return running[-1]

    yield start_again
    for server in running:
        stop(server)


def kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def uploads_processes(server: Server) -> list[int]:
    """The processes of the function that answers photos."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in children.split() if b"uploads/handler.py" in command(child)]


def command(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_whatever_is_killed_every_photo_has_one_result(killed, tmp_path: Path, photo) -> None:
    """kill -9 of the server and of its function in the midst of work, and photos that land while nothing runs."""
    photos = [photo(name) for name in ("astronaut", "obama", "coffee")]
    chance = random.Random(9)  # noqa: S311
    landed: set[str] = set()

    def drop_some(count: int) -> None:
        for _ in range(count):
            path = f"acme/{len(landed)}.jpg"
            data = photos[len(landed) % 3] if len(landed) % 5 else b"no photo"
            drop(tmp_path, path, data)
            landed.add(f"uploads/{path}")

    def until_done(count: int) -> None:
        until(lambda: len(results(tmp_path, "acme")) >= count)

    for _ in range(3):
        server, done = killed(), len(results(tmp_path, "acme"))
        drop_some(8)
        until_done(done + chance.randrange(1, 4))
        kill(chance.choice(uploads_processes(server)))
        until_done(done + chance.randrange(5, 7))
        kill(server.process.pid)
        server.process.wait()
        drop_some(2)
    killed()
    log = SqliteUploadLog(tmp_path / "mien.sqlite")
    until(lambda: len(finished(log)) == len(landed))
    ids = finished(log)
    log.close()
    found = results(tmp_path, "acme")
    assert sorted(result["upload"]["key"] for result in found) == sorted(landed)
    assert {result["upload"]["id"] for result in found} == ids
    assert sum(result["status"] == "error" for result in found) == sum(not n % 5 for n in range(len(landed)))
    assert counted(tmp_path) == sum(result["status"] == "success" for result in found)


def finished(log: SqliteUploadLog) -> set[str]:
    epoch = utc_now().replace(year=2000)
    return {upload.id for upload in log.finished("acme", epoch, utc_now(), 1000).uploads}


def counted(state: Path) -> int:
    meter = SqliteMeter(state / "mien.sqlite")
    used = meter.usage("uploads:acme", month_of(utc_now())).used
    meter.close()
    return used
