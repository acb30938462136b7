"""The fetch of a url, against a web server that does its worst."""

from __future__ import annotations

import gzip
import itertools
import ssl
import threading
import time

import pytest

from mien.adapters.guarded_https import is_public
from mien.adapters.https_images import HttpsImageSource
from mien.domain.errors import ImageTooLarge, MienError, UrlNotAllowed, UrlNotFetched
from tests.web_server import OTHER_PUBLIC, PUBLIC, SECONDS, WebServer, answer, endless, redirect

MAX_BYTES = 100_000


def fetch(web: WebServer, url: str) -> bytes:
    return web.source().fetch(url, MAX_BYTES)


@pytest.fixture
def web(web_server: WebServer) -> WebServer:
    web_server.reset(answer(b"image"))
    return web_server


def test_an_image_comes_back_as_it_is(web: WebServer) -> None:
    web.play = answer(bytes(range(256)) * 300)
    assert fetch(web, "https://photos.example/a%20b/ü.jpg?size=1&x=a b#top") == bytes(range(256)) * 300
    line, *headers = web.requests[0].split("\r\n")
    assert line == "GET /a%20b/%C3%BC.jpg?size=1&x=a%20b HTTP/1.1"
    assert "Host: photos.example" in headers
    assert web.dialled == [PUBLIC]


@pytest.mark.parametrize(
    "chunked", [b"3\r\nima\r\n2\r\nge\r\n0\r\n\r\n", b"5;name=value\r\nimage\r\n0\r\nTrailer: x\r\n\r\n"]
)
def test_an_image_in_chunks_is_put_together(web: WebServer, chunked: bytes) -> None:
    web.play = lambda connection, _: connection.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
    )
    assert fetch(web, "https://photos.example") == b"image"


def test_an_answer_without_a_length_ends_with_its_connection(web: WebServer) -> None:
    web.play = lambda connection, _: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nimage")
    assert fetch(web, "HTTPS://Photos.Example:443/") == b"image"


def test_a_name_in_another_script_is_asked_for_by_its_dns_name(web: WebServer) -> None:
    web.names["xn--bcher-kva.example"] = [PUBLIC]
    assert fetch(web, "https://bücher.example/") == b"image"


def test_an_address_without_a_route_is_passed_over(web: WebServer) -> None:
    web.names["photos.example"] = [OTHER_PUBLIC, PUBLIC]
    assert fetch(web, "https://photos.example/") == b"image"
    assert web.dialled == [OTHER_PUBLIC, PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example/a.jpg",
        "ftp://photos.example/a.jpg",
        "file:///etc/passwd",
        "gopher://photos.example/",
        "data:image/png;base64,AAAA",
        "//photos.example/a.jpg",
        "photos.example/a.jpg",
        "https:///a.jpg",
        "https://",
        "",
        "https://photos.example:80/",
        "https://photos.example:8443/",
        "https://photos.example:0x1bb/",
        "https://photos.example:99999/",
        "https://user@photos.example/",
        "https://user:password@photos.example/",
        "https://@photos.example/",
        "https://photos.example\\@127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.1/",
        "https://0x7f000001/",
        "https://a.0x7f/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
        "https://169.254.169.254/latest/meta-data/",
        f"https://{PUBLIC}/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://localhost/",
        "https://photos.example./",
        "https://-/",
        "https://photos..example/",
        "https://photos.exam ple/",
        "https://photos%2eexample/",
        f"https://{'a' * 64}.example/",
        f"https://photos.example/{'a' * 2048}",
    ],
)
def test_what_names_no_public_web_server_is_refused_before_any_name_is_asked_for(web: WebServer, url: str) -> None:
    web.resolve = None  # type: ignore[assignment,method-assign]
    try:
        with pytest.raises(UrlNotAllowed):
            fetch(web, url)
    finally:
        del web.resolve
    assert web.dialled == []


NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "169.254.170.2", "169.254.100.1", "100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
    *("198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "::ffff:169.254.169.254", "fe80::1"),
    *("fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("100::1", "2001::1", "2001:db8::1", "2001:10::1", "2002:7f00:1::", "3fff::1", "5f00::1", "4000::1"),
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_to_an_address_of_ours_is_refused(web: WebServer, address: str) -> None:
    web.names["photos.example"] = [PUBLIC, address]
    with pytest.raises(UrlNotAllowed, match="not public"):
        fetch(web, "https://photos.example/")
    assert web.dialled == []


@pytest.mark.parametrize("address", [PUBLIC, OTHER_PUBLIC, "1.1.1.1", "2a00:1450:4001:82a::200e", "223.255.255.254"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_the_address_that_was_checked_is_the_one_dialled_though_the_name_changes(web: WebServer) -> None:
    answers = itertools.chain([[PUBLIC]], itertools.repeat(["127.0.0.1"]))
    web.resolve = lambda host: next(answers)  # type: ignore[method-assign]
    try:
        assert fetch(web, "https://photos.example/") == b"image"
        assert web.dialled == [PUBLIC]
        with pytest.raises(UrlNotAllowed):
            fetch(web, "https://photos.example/")
    finally:
        del web.resolve


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed(web: WebServer, status: str) -> None:
    plays = iter([redirect("/b.jpg?x=1", status), redirect("//photos.example/c.jpg", status), answer(b"image")])
    web.play = lambda connection, request: next(plays)(connection, request)
    assert fetch(web, "https://photos.example/a.jpg") == b"image"
    assert [request.split()[1] for request in web.requests] == ["/a.jpg", "/b.jpg?x=1", "/c.jpg"]


@pytest.mark.parametrize(
    "location",
    [
        "http://photos.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://inside.example/",
        "https://photos.example:9001/2018-06-01/runtime/invocation/next",
        "//user@photos.example/",
        "file:///proc/self/environ",
        "https://[::1]/",
        "https://[",
    ],
)
def test_a_redirect_is_a_url_like_the_first(web: WebServer, location: str) -> None:
    web.names["inside.example"] = ["10.0.0.5"]
    web.play = redirect(location)
    with pytest.raises(UrlNotAllowed):
        fetch(web, "https://photos.example/")
    assert web.dialled == [PUBLIC]


def test_a_name_may_not_turn_inwards_between_two_redirects(web: WebServer) -> None:
    def play(connection: ssl.SSLSocket, request: str) -> None:
        web.names["photos.example"] = ["127.0.0.1"]
        redirect("/again")(connection, request)

    web.play = play
    with pytest.raises(UrlNotAllowed, match="not public"):
        fetch(web, "https://photos.example/")
    assert web.dialled == [PUBLIC]


def test_three_redirects_are_followed_and_no_fourth(web: WebServer) -> None:
    web.play = redirect("/again")
    with pytest.raises(UrlNotFetched, match="more than 3"):
        fetch(web, "https://photos.example/")
    assert len(web.requests) == 4


def test_a_redirect_to_nowhere_is_followed_no_further_than_any_other(web: WebServer) -> None:
    web.play = answer(b"", "302 Found")
    with pytest.raises(UrlNotFetched):
        fetch(web, "https://photos.example/")


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "304 Same", "401 No", "404 No", "500 Oh", "999 ?"])
def test_another_status_is_told(web: WebServer, status: str) -> None:
    web.play = answer(b"", status)
    with pytest.raises(UrlNotFetched, match=status[:3]):
        fetch(web, "https://photos.example/")


def test_an_image_of_the_limit_is_taken_and_one_byte_more_is_not(web: WebServer) -> None:
    web.play = answer(bytes(MAX_BYTES))
    assert len(fetch(web, "https://photos.example/")) == MAX_BYTES
    web.play = answer(bytes(MAX_BYTES + 1))
    with pytest.raises(ImageTooLarge):
        fetch(web, "https://photos.example/")


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"2000\r\n" + bytes(0x2000) + b"\r\n",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", bytes(65536)),
    ],
)
def test_an_endless_image_is_too_large(web: WebServer, start: bytes, piece: bytes) -> None:
    web.play = endless(start, piece)
    with pytest.raises(ImageTooLarge):
        fetch(web, "https://photos.example/")


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
        (b"", b"y" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
)
def test_endless_talk_around_an_image_is_given_up(web: WebServer, start: bytes, piece: bytes) -> None:
    web.play = endless(start, piece)
    with pytest.raises(UrlNotFetched):
        fetch(web, "https://photos.example/")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_drips_is_given_up_in_time_and_let_go_of(web: WebServer, start: bytes) -> None:
    ended = threading.Event()

    def play(connection: ssl.SSLSocket, request: str) -> None:
        try:
            endless(start, b"y", pause=SECONDS / 20)(connection, request)
        finally:
            ended.set()

    web.play = play
    begun = time.monotonic()
    with pytest.raises(UrlNotFetched, match=f"within {SECONDS:g} s"):
        fetch(web, "https://photos.example/")
    assert time.monotonic() - begun < 2 * SECONDS
    assert ended.wait(5), "the connection was kept"


def test_a_server_that_never_speaks_is_given_up_in_time(web: WebServer) -> None:
    web.handshakes = False
    with pytest.raises(UrlNotFetched, match="within"):
        fetch(web, "https://photos.example/")


def test_a_name_server_that_never_answers_is_given_up_in_time(web: WebServer) -> None:
    wake = threading.Event()

    def resolve(host: str) -> list[str]:
        wake.wait(10)
        return [PUBLIC]

    source = HttpsImageSource(resolve, web.dial, web.trust, seconds=0.1)
    with pytest.raises(UrlNotFetched, match="within"):
        source.fetch("https://photos.example/", MAX_BYTES)
    wake.set()
    source.close()  # waits for the thread
    assert web.requests == []


def test_compressed_content_is_refused_and_not_inflated(web: WebServer) -> None:
    web.play = answer(gzip.compress(bytes(50_000_000)), headers="Content-Encoding: gzip\r\n")
    with pytest.raises(UrlNotFetched, match="compressed"):
        fetch(web, "https://photos.example/")
    assert "Accept-Encoding: identity" in web.requests[0]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nimage",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nimage",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nimage",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nimage",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\n",
    ],
)
def test_what_is_no_whole_answer_is_told(web: WebServer, said: bytes) -> None:
    web.play = lambda connection, _: connection.sendall(said)
    with pytest.raises(UrlNotFetched):
        fetch(web, "https://photos.example/")


def test_a_name_that_is_not_known_is_told(web: WebServer) -> None:
    with pytest.raises(UrlNotFetched, match="not known"):
        fetch(web, "https://nobody.example/")


def test_a_host_that_refuses_connections_is_told(web: WebServer) -> None:
    web.names["photos.example"] = [OTHER_PUBLIC]
    with pytest.raises(UrlNotFetched, match="does not answer"):
        fetch(web, "https://photos.example/")


def test_a_certificate_of_another_name_or_of_nobody_is_refused(web: WebServer) -> None:
    web.names["other.example"] = [PUBLIC]
    with pytest.raises(UrlNotFetched, match="certificate"):
        fetch(web, "https://other.example/")
    stranger = HttpsImageSource(web.resolve, web.dial)
    with pytest.raises(UrlNotFetched, match="certificate"):
        stranger.fetch("https://photos.example/", MAX_BYTES)
    assert web.requests == []


def test_no_error_repeats_the_url(web: WebServer) -> None:
    for url in ("https://user:secret@photos.example/", "https://secret.example/", "https://photos.example/secret"):
        web.play = answer(b"", "404 secret")
        with pytest.raises(MienError) as error:
            fetch(web, url)
        assert "secret" not in error.value.message


def test_many_fetches_at_once_do_not_mix(web: WebServer) -> None:
    web.play = lambda connection, request: answer(request.split()[1].encode())(connection, request)
    source = web.source(10)
    fetched: dict[int, bytes] = {}

    def fetch_one(number: int) -> None:
        fetched[number] = source.fetch(f"https://photos.example/{number}", MAX_BYTES)

    threads = [threading.Thread(target=fetch_one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    source.close()
    assert fetched == {number: f"/{number}".encode() for number in range(20)}
