"""Where a message waits that could not be delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol


class RetryQueue(Protocol):
    """Hands every message out again until it is removed."""

    def retry_after(self, receipt: str, wait: timedelta) -> None:
        """Hand the message of this receipt out again after so long, and not before. Raises Unavailable."""

    def close(self) -> None:
        """Let go of files and connections."""
