"""Where images are that a caller only points to."""

from __future__ import annotations

from typing import Protocol


class ImageSource(Protocol):
    """Fetches images."""

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """The bytes at a url.

        Raises:
            UrlNotAllowed: the url leads where a caller may not send us.
            UrlNotFetched: nothing came from there, or not in time.
            ImageTooLarge: more than `max_bytes` came.

        """
