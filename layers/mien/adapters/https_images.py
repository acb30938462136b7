"""Images fetched over https, from public addresses only. A redirect is a url like the first."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urljoin

from mien.adapters.guarded_https import Dial, GuardedHttps, Line, Resolve
from mien.domain.errors import ImageTooLarge, UrlNotAllowed, UrlNotFetched

FETCH_SECONDS = 5.0
MAX_REDIRECTS = 3

_REDIRECTS = {301, 302, 303, 307, 308}
_CHUNK_BYTES = 64 * 1024
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity"}


class HttpsImageSource:
    """An ImageSource; the arguments are those of GuardedHttps."""

    def __init__(
        self,
        resolve: Resolve | None = None,
        dial: Dial | None = None,
        trust: ssl.SSLContext | None = None,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        self._https = GuardedHttps(seconds, resolve, dial, trust)

    def close(self) -> None:
        """Wait for what is still under way."""
        self._https.close()

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """The bytes at a url; see the port."""
        return self._https.talk(lambda line: _follow(line, url, max_bytes))


def _follow(line: Line, url: str, max_bytes: int) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        with line.ask("GET", url, _HEADERS) as response:
            if response.status not in _REDIRECTS:
                return _read(response, max_bytes)
            url = _location(url, response)
    raise UrlNotFetched(f"The url redirects more than {MAX_REDIRECTS} times.")


def _read(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    if response.status != http.client.OK:
        raise UrlNotFetched(f"The url answers with status {response.status}.")
    if response.getheader("content-encoding", "identity").lower() != "identity":
        raise UrlNotFetched("The url answers with compressed content, which was not asked for.")
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise ImageTooLarge(f"The image at the url has more than the {max_bytes:,} bytes that are taken.")
    if response.length:
        raise UrlNotFetched("The image at the url breaks off.")
    return bytes(body)


def _location(url: str, response: http.client.HTTPResponse) -> str:
    try:
        return urljoin(url, response.getheader("location", ""))
    except ValueError:
        raise UrlNotAllowed("The url redirects to what is not one.") from None
