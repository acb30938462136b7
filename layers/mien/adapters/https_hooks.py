"""Webhooks posted over https, to public addresses only. The status of the answer is the whole answer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from mien.adapters.guarded_https import Dial, GuardedHttps, Line, Resolve, Target

POST_SECONDS = 10.0

_HEADERS = {"Content-Type": "application/json", "Connection": "close"}


class HttpsHookPoster:
    """A HookPoster; the arguments are those of GuardedHttps."""

    def __init__(
        self,
        resolve: Resolve | None = None,
        dial: Dial | None = None,
        trust: ssl.SSLContext | None = None,
        seconds: float = POST_SECONDS,
    ) -> None:
        self._https = GuardedHttps(seconds, resolve, dial, trust)

    def check(self, url: str) -> None:
        Target.of(url)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        def conversation(line: Line) -> int:
            with line.ask("POST", url, {**_HEADERS, **headers}, body) as response:
                return response.status

        return self._https.talk(conversation)

    def close(self) -> None:
        self._https.close()
