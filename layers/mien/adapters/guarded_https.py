"""https to where strangers point, so that no url can turn a function on what only the function can reach.

A url names a host, the host resolves to addresses, each of them must be public, and the connection is made to the
address that was checked: a name that resolves otherwise the second time is not asked a second time. A conversation of
one or more exchanges, names included, has one deadline.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

from mien import __version__
from mien.domain.errors import UrlNotAllowed, UrlNotFetched

MAX_URL_LENGTH = 2048
HTTPS_PORT = 443

# The last label of a name starts with a letter. That of an address does not, in decimal, octal and hexadecimal alike.
_HOST_NAME = re.compile(r"([a-z0-9_-]+\.)+[a-z][a-z0-9-]*", re.ASCII)

_KEPT = "/?%:@!$&'()*+,;=~"  # of a path and query as they came (RFC 3986)

# IANA's special-purpose registries, where Python's own list of them is of another year or mind.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

Resolve = Callable[[str], Sequence[str]]
Dial = Callable[[str], socket.socket]
Said = TypeVar("Said")


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet can reach, and stands for no other address."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)


@dataclass(frozen=True, slots=True)
class Target:
    """What a url names: a host of the public DNS, and a path with its query."""

    host: str
    path: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Told by the url's form alone. Raises UrlNotAllowed."""
        if len(url) > MAX_URL_LENGTH:
            raise UrlNotAllowed(f"The url has {len(url):,} characters; at most {MAX_URL_LENGTH:,} are taken.")
        try:
            parts = urlsplit(url.strip())
            port = parts.port or HTTPS_PORT
            host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        except ValueError:
            raise UrlNotAllowed("The url is not one.") from None
        if parts.scheme != "https" or port != HTTPS_PORT:
            raise UrlNotAllowed(f"The url must begin with https:// and name no port but {HTTPS_PORT}.")
        if "@" in parts.netloc:
            raise UrlNotAllowed("The url must hold no user name and no password.")
        if not _HOST_NAME.fullmatch(host):
            raise UrlNotAllowed("The url must name a host by its name in the public DNS.")
        path = quote(parts.path or "/", safe=_KEPT)
        return cls(host, f"{path}?{quote(parts.query, safe=_KEPT)}" if parts.query else path)


class GuardedHttps:
    """Talks with public addresses. Who resolves names, who opens connections, and whose certificates are trusted can
    be given.
    """

    def __init__(
        self,
        seconds: float,
        resolve: Resolve | None = None,
        dial: Dial | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`seconds` is what a whole conversation may take."""
        self._seconds, self._resolve, self._trust = seconds, resolve or _resolve, trust
        self._dial = dial or partial(_dial, seconds=seconds)
        self._threads = ThreadPoolExecutor(thread_name_prefix="https")

    def close(self) -> None:
        """Wait for what is still under way."""
        self._threads.shutdown()

    def talk(self, conversation: Callable[[Line], Said]) -> Said:
        """What a conversation comes to.

        Raises:
            UrlNotAllowed: a url of it leads where nobody may send us.
            UrlNotFetched: a host does not answer, or not in time.

        """
        line = Line(self._resolve, self._dial, self._tls)
        said = self._threads.submit(_run, conversation, line)
        try:
            return said.result(self._seconds)
        except TimeoutError:
            line.abort()
            raise UrlNotFetched(f"The url did not answer in full within {self._seconds:g} s.") from None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()


class Line:
    """The connections of one conversation, one at a time, which another thread can break off."""

    def __init__(self, resolve: Resolve, dial: Dial, tls: ssl.SSLContext) -> None:
        self._resolve, self._dial, self._tls = resolve, dial, tls
        self._socket: socket.socket | None = None
        self._aborted = False

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """One request, and the head of its answer; a redirect is an answer like others."""
        target = Target.of(url)
        with closing(self._connect(target.host)) as connection:
            connection.request(method, target.path, body, {"User-Agent": f"mien/{__version__}", **headers})
            with connection.getresponse() as response:
                yield response

    def abort(self) -> None:
        """Wake whoever waits for the connection; there will be no other."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _connect(self, host: str) -> http.client.HTTPSConnection:
        """A connection to a host that speaks TLS under its name, at an address that was checked."""
        connection = http.client.HTTPSConnection(host, context=self._tls)
        connection.auto_open = 0  # never to one that was not checked
        plain = self._open(self._public_addresses(host))
        self._socket = connection.sock = self._tls.wrap_socket(
            plain, server_hostname=host, do_handshake_on_connect=False
        )
        if self._aborted:
            connection.close()
            raise TimeoutError
        try:
            connection.sock.do_handshake()
        except OSError:
            connection.close()
            raise
        return connection

    def _public_addresses(self, host: str) -> Sequence[str]:
        try:
            addresses = self._resolve(host)
        except OSError:
            raise UrlNotFetched("The host of the url is not known.") from None
        if not all(map(is_public, addresses)):
            raise UrlNotAllowed("The url leads to an address that is not public.")
        return addresses

    def _open(self, addresses: Sequence[str]) -> socket.socket:
        failure = OSError()
        for address in addresses:
            try:
                return self._dial(address)
            except OSError as error:  # as where there is no route for IPv6
                failure = error
        raise failure


def _run(conversation: Callable[[Line], Said], line: Line) -> Said:
    try:
        return conversation(line)
    except ssl.SSLCertVerificationError:
        raise UrlNotFetched("The certificate of the url's host is not valid.") from None
    except (OSError, http.client.HTTPException):
        raise UrlNotFetched("The host of the url does not answer as a web server does.") from None


def _resolve(host: str) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)]


def _dial(address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, HTTPS_PORT), seconds)
