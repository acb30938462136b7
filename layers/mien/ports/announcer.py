"""Who is told when an upload is finished."""

from __future__ import annotations

from typing import Protocol

from mien.domain.uploads import Upload


class Announcer(Protocol):
    """Tells whoever listens; more than once when in doubt."""

    def announce(self, upload: Upload) -> None:
        """Say that an upload is finished. Raises Unavailable."""

    def close(self) -> None:
        """Let go of files and connections."""
