"""`mien doctor` against a running server, and against what is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner, Result

from mien.cli.doctor import CHECKS
from mien.cli.main import mien
from mien.http.routes import ROUTES
from tests.functional.servers import Server


def doctor(url: str, key: str) -> Result:
    return CliRunner().invoke(mien, ["doctor", url, "--key", key])


def test_a_sound_server_is_found_sound_and_left_as_it_was(server: Server) -> None:
    for url in (server.url, f"{server.url}/api/"):
        result = doctor(url, server.key)
        assert result.exit_code == 0, result.output
        assert result.output.count("yes") == len(CHECKS)


def test_every_route_is_called() -> None:
    assert {check.route for check in CHECKS} >= set(ROUTES)


def test_a_wrong_key_is_told(server: Server) -> None:
    result = doctor(server.url, "mien_wrong")
    assert result.exit_code == 1
    assert "401 for 200" in result.output


@pytest.fixture
def stranger() -> Iterator[str]:
    """A server that answers everything with a page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_server_is_told(stranger: str) -> None:
    result = doctor(stranger, "x")
    assert result.exit_code == 1
    assert "not JSON" in result.output


def test_no_server_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    result = doctor(f"http://127.0.0.1:{port}", "x")
    assert result.exit_code == 1
    assert "ConnectionError" in result.output
