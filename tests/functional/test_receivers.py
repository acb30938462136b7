"""The receivers in docs/webhooks.md, as they stand there: they take what we sign, once, and nothing else."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from mien import settings
from mien.adapters.https_hooks import HttpsHookPoster
from mien.domain.webhooks import Webhook, new_webhook_secret
from tests.web_server import PUBLIC

DOCS = (settings.CHECKOUT / "docs" / "webhooks.md").read_text(encoding="utf-8")
URL = "https://photos.example/hook"
SECRET = new_webhook_secret()
HOOK = Webhook(URL, SECRET)
BODY = '{"status": "success", "face_count": 2, "upload": {"id": "one"}, "who": "ü"}'.encode()


def sample(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return str(found)


class Receiver(Protocol):
    """A receiver that is running."""

    def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status that it answers with."""

    def handled(self) -> list[str]:
        """The ids of what it handled until now."""


class PythonReceiver:
    """Behind TLS, and posted to as Mien does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
        names: dict[str, Any] = {"__name__": "receiver"}
        exec(compile(sample("python"), "docs/webhooks.md", "exec"), names)  # noqa: S102
        self.answers: list[dict[str, Any]] = []
        names["handle"] = self.answers.append
        names["Receiver"].log_message = lambda *_: None
        authority = trustme.CA()
        tls, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("photos.example").configure_cert(tls)
        authority.configure_trust(trust)
        self.server = HTTPServer(("127.0.0.1", 0), names["Receiver"])
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = self.server.server_address[:2]
        self.poster = HttpsHookPoster(lambda _: [PUBLIC], lambda _: socket.create_connection(address, 5), trust)

    def post(self, headers: Mapping[str, str], body: bytes) -> int:
        return self.poster.post(URL, headers, body)

    def handled(self) -> list[str]:
        return [answer["upload"]["id"] for answer in self.answers]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.poster.close()


class NodeReceiver:
    """A process that listens without TLS."""

    def __init__(self, folder: Path) -> None:
        node = shutil.which("node")
        assert node is not None
        (folder / "receiver.cjs").write_text(sample("js"), encoding="utf-8")
        environment = {"WEBHOOK_SECRET": SECRET, "PORT": "0"}
        self.process = subprocess.Popen(
            [node, "receiver.cjs"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", int(self.line().rpartition(" ")[2]), timeout=10)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def post(self, headers: Mapping[str, str], body: bytes) -> int:
        self.connection.request("POST", "/", body, dict(headers))
        response = self.connection.getresponse()
        response.read()
        return response.status

    def handled(self) -> list[str]:
        """It prints what it handles; the last line is of a post that is made to end the list."""
        headers = HOOK.signed("end", END, datetime.now(UTC))
        assert self.post(headers, END) == 200
        return [line.split()[-1] for line in iter(self.line, "success 0 end")]

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.communicate()


END = b'{"status": "success", "face_count": 0, "upload": {"id": "end"}}'


@pytest.fixture(params=["python", "node"])
def receiver(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[PythonReceiver | NodeReceiver]:
    made = PythonReceiver(monkeypatch) if request.param == "python" else NodeReceiver(tmp_path)
    yield made
    made.stop()


def signed(body: bytes = BODY, hook: Webhook = HOOK, ago: timedelta = timedelta(), id: str = "one") -> dict[str, str]:
    return dict(hook.signed(id, body, datetime.now(UTC) - ago))


def test_what_is_signed_is_handled(receiver: Receiver) -> None:
    assert receiver.post(signed(), BODY) == 200
    assert receiver.handled() == ["one"]


def test_a_tampered_body_is_refused(receiver: Receiver) -> None:
    assert receiver.post(signed(), BODY.replace(b"2", b"3")) == 401
    assert receiver.handled() == []


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_other_is_refused(receiver: Receiver, header: str) -> None:
    other = {"webhook-id": "two", "webhook-timestamp": signed(ago=timedelta(seconds=1))["webhook-timestamp"]}
    headers = signed()
    assert receiver.post(headers | {header: other.get(header, "v1,AAAA")}, BODY) == 401
    assert receiver.post(headers | {header: "ü,"}, BODY) == 401
    assert receiver.post({name: value for name, value in headers.items() if name != header}, BODY) == 401
    assert receiver.handled() == []


def test_another_secret_is_refused(receiver: Receiver) -> None:
    assert receiver.post(signed(hook=Webhook(URL, new_webhook_secret())), BODY) == 401
    assert receiver.handled() == []


def test_a_secret_that_is_being_changed_is_accepted(receiver: Receiver) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert receiver.post(signed(hook=Webhook(URL, new_webhook_secret(), SECRET, tomorrow)), BODY) == 200
    assert receiver.handled() == ["one"]


@pytest.mark.parametrize("minutes", [5.1, -5.1, 60 * 24])
def test_what_was_sent_at_another_time_is_refused(receiver: Receiver, minutes: float) -> None:
    assert receiver.post(signed(ago=timedelta(minutes=minutes)), BODY) == 401
    assert receiver.handled() == []


def test_what_was_sent_four_minutes_ago_is_accepted(receiver: Receiver) -> None:
    assert receiver.post(signed(ago=timedelta(minutes=4)), BODY) == 200


def test_a_replay_is_refused(receiver: Receiver) -> None:
    headers = signed()
    assert [receiver.post(headers, BODY) for _ in range(3)] == [200, 401, 401]
    assert receiver.handled() == ["one"]


def test_an_older_post_is_refused_after_a_newer_one(receiver: Receiver) -> None:
    assert receiver.post(signed(), BODY) == 200
    assert receiver.post(signed(ago=timedelta(minutes=1)), BODY) == 401
    assert receiver.handled() == ["one"]


def test_another_try_of_what_was_handled_is_answered_and_not_handled_again(receiver: Receiver) -> None:
    assert receiver.post(signed(ago=timedelta(minutes=1)), BODY) == 200
    assert receiver.post(signed(), BODY) == 200
    assert receiver.handled() == ["one"]
