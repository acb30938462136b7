"""The post of a webhook, to a web server that does its worst. The guard itself is tested by the fetch of images."""

from __future__ import annotations

import ssl
import threading
import time

import pytest

from mien.adapters.https_hooks import HttpsHookPoster
from mien.domain.errors import MienError, UrlNotAllowed, UrlNotFetched
from tests.web_server import OTHER_PUBLIC, PUBLIC, SECONDS, WebServer, answer, endless, redirect

URL = "https://photos.example/hook?to=me"
BODY = '{"status": "ü"}'.encode() + bytes(range(256)) * 1000


@pytest.fixture
def web(web_server: WebServer) -> WebServer:
    web_server.reset(answer(b"thanks"))
    return web_server


def post(web: WebServer, url: str = URL) -> int:
    return web.poster().post(url, {"webhook-id": "1"}, BODY)


def test_the_very_bytes_arrive_with_their_headers(web: WebServer) -> None:
    assert post(web) == 200
    (request,) = web.requests
    head, _, body = request.partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == "POST /hook?to=me HTTP/1.1"
    assert {"Host: photos.example", "Content-Type: application/json", "webhook-id: 1"} <= set(headers)
    assert any(header.startswith("User-Agent: mien/") for header in headers)
    assert body.encode("latin-1") == BODY


@pytest.mark.parametrize("status", [200, 202, 204, 400, 401, 404, 409, 410, 429, 500, 503])
def test_the_status_is_the_answer(web: WebServer, status: int) -> None:
    web.play = answer(b"", f"{status} Whatever")
    assert post(web) == status


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(web: WebServer, status: str) -> None:
    web.play = redirect("https://photos.example/elsewhere", status)
    assert post(web) == int(status[:3])
    assert len(web.requests) == len(web.dialled) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example/",
        "http://127.0.0.1:9000/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://photos.example:9000/",
        "https://user:password@photos.example/",
        "https://localhost/",
    ],
)
def test_what_is_no_public_web_server_is_neither_taken_nor_posted_to(web: WebServer, url: str) -> None:
    with pytest.raises(UrlNotAllowed):
        web.poster().check(url)
    with pytest.raises(UrlNotAllowed):
        post(web, url)
    assert web.dialled == []


def test_a_public_url_is_taken(web: WebServer) -> None:
    web.poster().check(URL)
    assert web.dialled == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00:ec2::254"])
def test_a_name_that_leads_inside_is_not_posted_to(web: WebServer, inside: str) -> None:
    web.names["photos.example"] = [PUBLIC, inside]
    with pytest.raises(UrlNotAllowed, match="not public"):
        post(web)
    assert web.dialled == []


def test_a_receiver_that_is_down_is_told(web: WebServer) -> None:
    web.names["photos.example"] = [OTHER_PUBLIC]
    with pytest.raises(UrlNotFetched, match="does not answer"):
        post(web)


def test_a_receiver_that_hangs_up_is_told(web: WebServer) -> None:
    web.play = lambda connection, _: None
    with pytest.raises(UrlNotFetched, match="does not answer"):
        post(web)


def test_a_certificate_of_another_name_or_of_nobody_is_refused_and_nothing_said(web: WebServer) -> None:
    web.names["other.example"] = [PUBLIC]
    with pytest.raises(UrlNotFetched, match="certificate"):
        post(web, "https://other.example/")
    with pytest.raises(UrlNotFetched, match="certificate"):
        HttpsHookPoster(web.resolve, web.dial).post(URL, {}, BODY)
    assert web.requests == []


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_receiver_that_drips_is_given_up_in_time_and_let_go_of(web: WebServer, start: bytes) -> None:
    ended = threading.Event()

    def play(connection: ssl.SSLSocket, request: str) -> None:
        try:
            endless(start, b"y", pause=SECONDS / 20)(connection, request)
        finally:
            ended.set()

    web.play = play
    begun = time.monotonic()
    with pytest.raises(UrlNotFetched, match=f"within {SECONDS:g} s"):
        post(web)
    assert time.monotonic() - begun < 2 * SECONDS
    assert ended.wait(5), "the connection was kept"


def test_a_receiver_that_never_takes_the_body_is_given_up_in_time(web: WebServer) -> None:
    web.handshakes = False
    with pytest.raises(UrlNotFetched, match="within"):
        post(web)


def test_an_endless_answer_is_not_read(web: WebServer) -> None:
    web.play = endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536))
    assert post(web) == 200


def test_no_error_repeats_the_url(web: WebServer) -> None:
    for url in ("https://user:secret@photos.example/", "https://secret.example/", "http://photos.example/secret"):
        with pytest.raises(MienError) as error:
            post(web, url)
        assert "secret" not in error.value.message
