"""Who brings a message to a tenant's url."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class HookPoster(Protocol):
    """Posts JSON, once, to the url itself and to no other that it points to."""

    def check(self, url: str) -> None:
        """Raises UrlNotAllowed where nothing would ever be posted to."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer.

        Raises:
            UrlNotAllowed: the url leads where a tenant may not send us.
            UrlNotFetched: nothing came back from there, or not in time; what was posted may have arrived.

        """

    def close(self) -> None:
        """Let go of connections."""
