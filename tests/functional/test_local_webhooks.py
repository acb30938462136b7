"""The webhooks function as a process, told by the local server's loop; and the command that names webhooks."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
from click.testing import CliRunner, Result

from mien import settings
from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.sqlite_outbox import Notice, SqliteOutbox
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.cli import webhook as command
from mien.cli.main import mien
from mien.domain.errors import Unavailable
from mien.domain.uploads import Payer, PhotoVersion, Task, Upload, UploadRules, UploadStatus
from mien.domain.webhooks import RETRY_WAITS, Webhook, new_webhook_secret
from mien.local import webhooks
from mien.local.webhooks import LocalWebhooks, telling_webhooks, webhooks_function
from tests.functional.servers import start
from tests.web_server import WebServer, answer

URL = "https://photos.example/hook"
NOW = datetime.now(UTC)


def finished(photos: Path, database: Path, url: str) -> Upload:
    """An upload that is answered and announced, of a tenant that wants to hear of it."""
    photo = PhotoVersion("photos", "uploads/demo/a.jpg", "v1", "e1")
    upload = Upload("demo", photo.id, Payer("key", "basic"), Task(), NOW, photo, UploadStatus.DONE, completed_at=NOW)
    FolderPhotoStore(photos).put_answer(upload.result_key, b'{"status": "success"}')
    with closing(SqliteUploadLog(database)) as log, closing(SqliteOutbox(database)) as outbox:
        log.finish(upload)
        log.set_rules("demo", UploadRules(webhook=Webhook(url, new_webhook_secret())))
        outbox.announce(upload)
    return upload


def notice_after(database: Path, wait: timedelta) -> Notice | None:
    with closing(SqliteOutbox(database, lambda: datetime.now(UTC) + wait)) as outbox:
        return outbox.take(timedelta(0))


def test_the_function_puts_off_what_it_may_not_post(tmp_path: Path) -> None:
    """An address of ours, which no network is needed to refuse; named past the command, which would refuse it."""
    database = tmp_path / "mien.sqlite"
    upload = finished(tmp_path, database, "https://127.0.0.1/hook")

    async def tell_due() -> None:
        function = webhooks_function(settings.CHECKOUT / "functions", database, tmp_path)
        with closing(SqliteOutbox(database)) as outbox, closing(SqliteUploadLog(database)) as log:
            try:
                await LocalWebhooks(outbox, log, function).tell_due()
            finally:
                await function.stop()

    asyncio.run(tell_due())
    assert notice_after(database, RETRY_WAITS[0]) == Notice("demo", upload.id, 2)


def test_the_loop_looks_again_after_an_error_and_ends_with_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def main() -> None:
        again = asyncio.Event()

        async def tell_due(_: LocalWebhooks) -> None:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise Unavailable("The outbox cannot be read or written.")
            again.set()

        monkeypatch.setattr(LocalWebhooks, "tell_due", tell_due)
        monkeypatch.setattr(webhooks, "LOOK_SECONDS", 0)
        async with telling_webhooks(settings.CHECKOUT / "functions", tmp_path / "mien.sqlite", tmp_path):
            await asyncio.wait_for(again.wait(), 10)

    asyncio.run(main())
    assert looks >= 2


@pytest.fixture
def web(web_server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    web_server.reset(answer(b""))
    monkeypatch.setattr(command, "HttpsHookPoster", web_server.poster)
    return web_server


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, web: WebServer) -> Run:
    def run(*arguments: str) -> Result:
        log = f"sqlite:{tmp_path / 'mien.sqlite'}"
        return CliRunner().invoke(mien, ["uploads", "--tenant", "demo", "--log", log, "webhook", *arguments])

    return run


def secret_in(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["secret"])


def test_the_secret_is_shown_when_it_is_made_and_never_again(run: Run) -> None:
    first = secret_in(run(URL))
    again = run()
    assert json.loads(again.stdout) == {"tenant": "demo", "url": URL, "old_secret_ends": None}
    assert first not in again.output
    assert secret_in(run(URL)) != first


def test_a_rotation_shows_a_new_secret_and_when_the_old_one_ends(run: Run) -> None:
    first = secret_in(run(URL))
    rotated = run("--rotate")
    assert secret_in(rotated) != first
    ends = datetime.fromisoformat(json.loads(rotated.stdout)["old_secret_ends"])
    assert timedelta(hours=23) < ends - datetime.now(UTC) <= timedelta(hours=24)


def test_a_webhook_that_is_removed_is_gone(run: Run) -> None:
    run(URL)
    assert run("--remove").exit_code == 0
    assert "has no webhook" in str(run().exception)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "https://localhost/", "https://example.com:8443/"])
def test_a_url_that_nobody_would_post_to_is_not_taken(run: Run, url: str) -> None:
    assert "The url must" in str(run(url).exception)
    assert "has no webhook" in str(run().exception)


def test_a_test_is_posted_and_its_answer_told(run: Run, web: WebServer) -> None:
    secret = secret_in(run(URL))
    web.play = answer(b"", "418 I'm a teapot")
    assert run("--test").stdout == "The webhook answers with status 418.\n"
    head, _, body = web.requests[0].partition("\r\n\r\n")
    headers = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:])
    standardwebhooks.Webhook(secret).verify(body, headers)
    assert json.loads(body)["status"] == "test"


def test_a_test_can_be_posted_by_hand_to_another_url(run: Run, web: WebServer) -> None:
    secret = secret_in(run(URL))
    words = shlex.split(run("--curl", "http://127.0.0.1:9000").stdout)
    assert words[:3] == ["curl", "-i", "http://127.0.0.1:9000"]
    headers = dict(words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H")
    standardwebhooks.Webhook(secret).verify(words[words.index("--data-binary") + 1], headers)
    assert web.requests == []


@pytest.mark.parametrize("arguments", [(URL, "--remove"), ("--test", "--curl", URL), (URL, "--curl", URL)])
def test_two_things_at_once_are_refused(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("option", [(), ("--rotate",), ("--test",), ("--curl", URL)])
def test_without_a_webhook_that_is_said(run: Run, option: tuple[str, ...]) -> None:
    assert "The tenant 'demo' has no webhook." in str(run(*option).exception)


@pytest.mark.parametrize("url", [None, "https://127.0.0.1/hook"])
def test_the_server_stops_well_whatever_its_webhooks_are_doing(tmp_path: Path, url: str | None) -> None:
    if url is not None:
        finished(tmp_path, tmp_path / "mien.sqlite", url)
    server = start(tmp_path, settings.CHECKOUT / "functions")
    server.process.send_signal(signal.SIGINT)
    output, _ = server.process.communicate(timeout=20)
    assert (server.process.returncode, output.splitlines()[-1]) == (0, "Stopped.")
