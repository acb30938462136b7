"""A web server on loopback that can do its worst, and the name server and routes that lead to it.

Loopback is what the fetch of urls refuses: so its names resolve to public addresses, as an attacker's would, and
each of them is dialled here.
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import trustme

from mien.adapters.https_hooks import HttpsHookPoster
from mien.adapters.https_images import HttpsImageSource

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
SECONDS = 1.0

Play = Callable[[ssl.SSLSocket, str], None]


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> Play:
    """Answer as a good server does."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda connection, _: connection.sendall(head + body)


def redirect(location: str, status: str = "302 Found") -> Play:
    return answer(b"", status, f"Location: {location}\r\n")


def endless(start: bytes, piece: bytes, pause: float = 0) -> Play:
    """Say `start`, then `piece` for ever."""

    def play(connection: ssl.SSLSocket, _: str) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return play


def whole_request(connection: ssl.SSLSocket) -> bytes:
    """Up to the last byte of its body, where it says how many there are."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return data
        data += more
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + end + body


class WebServer:
    """Has a certificate for photos.example, and its own name server."""

    def __init__(self) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("photos.example", "xn--bcher-kva.example")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(tls)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self.reset(answer(b"image"))
        web = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    web.serve(self.request, tls)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def reset(self, play: Play) -> None:
        """Forget what was, and answer so from now on."""
        self.play, self.handshakes = play, True
        self.names: dict[str, list[str]] = {"photos.example": [PUBLIC]}
        self.dialled: list[str] = []
        self.requests: list[str] = []

    def serve(self, plain: socket.socket, tls: ssl.SSLContext) -> None:
        if not self.handshakes:
            plain.recv(1)
            time.sleep(2 * SECONDS)
            return
        with tls.wrap_socket(plain, server_side=True) as connection:
            request = whole_request(connection).decode("latin-1")
            self.requests.append(request)
            self.play(connection, request)

    def resolve(self, host: str) -> list[str]:
        if host not in self.names:
            raise socket.gaierror
        return self.names[host]

    def dial(self, address: str) -> socket.socket:
        self.dialled.append(address)
        if address == OTHER_PUBLIC:
            raise OSError("no route")
        return socket.create_connection(self.server.server_address, 5)

    def source(self, seconds: float = SECONDS) -> HttpsImageSource:
        return HttpsImageSource(self.resolve, self.dial, self.trust, seconds)

    def poster(self, seconds: float = SECONDS) -> HttpsHookPoster:
        return HttpsHookPoster(self.resolve, self.dial, self.trust, seconds)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
