"""How a webhook is signed, and how often it is tried: as Standard Webhooks has it, for which most languages have a
library that verifies (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_PREFIX = "whsec_"  # so that a leaked secret can be told by sight
_SECRET_BYTES = 32  # the specification asks for 24 to 64

RETRY_WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=10),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""How long to wait at most after the first try, the second and so on. SQS hides no message for more than 12 hours."""

MAX_TRIES = len(RETRY_WAITS) + 1


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a tenant wants to hear of results, and the secret that signs what is said there.

    The secret before it signs too until it ends, so that a receiver may change over when it likes.
    """

    url: str
    secret: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    old_secret_ends: datetime | None = None

    def signed(self, id: str, body: bytes, now: datetime) -> Mapping[str, str]:
        """The headers that say which message this is, when it was sent, and that it comes from us.

        The same message has the same id however often it is sent; each time has a time and signature of its own.
        """
        sent = str(int(now.timestamp()))
        signatures = [_signature(secret, id, sent, body) for secret in self._secrets(now)]
        return {"webhook-id": id, "webhook-timestamp": sent, "webhook-signature": " ".join(signatures)}

    def _secrets(self, now: datetime) -> list[str]:
        if self.old_secret is None or self.old_secret_ends is None or self.old_secret_ends <= now:
            return [self.secret]
        return [self.secret, self.old_secret]


def new_webhook_secret() -> str:
    """A secret that nobody has had before."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def retry_wait(tries: int, share: float) -> timedelta:
    """How long to wait after so many tries that failed; nothing after the last.

    `share`, drawn from 0 to 1, spreads the waits over the upper half of the longest, so that what failed together does
    not come back together.
    """
    if tries >= MAX_TRIES:
        return timedelta()
    return RETRY_WAITS[tries - 1] * (1 + share) / 2


def _signature(secret: str, id: str, sent: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signature = hmac.digest(key, f"{id}.{sent}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signature).decode()}"
