"""API keys. The secret is shown once and stored nowhere; everything else hangs on its hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mien.domain.plans import PLANS, Feature

DEMO_TENANT = "demo"
"""Whose the key is that the local server makes."""

_PREFIX = "mien_"  # so that a leaked key can be told by sight
_RANDOM_BYTES = 24  # 192 random bits need no slow hash
_ID_BYTES = 6


class KeyStatus(StrEnum):
    """Whether a key opens the door."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key. Keys of one tenant share its galleries; nobody else's key opens them.

    `id` is how people name the key; usage is counted under it. Rotation gives the same id a second secret, and the
    first an `expires_at`. `without` are features switched off for this key, besides those of its plan.
    """

    key_hash: str
    id: str
    tenant: str
    name: str
    plan: str
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None = None
    without: frozenset[Feature] = frozenset()

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise ValueError(f"There is no plan {self.plan!r}.")

    def usable(self, now: datetime) -> bool:
        """Whether the secret is known to be anybody's; a suspended one is."""
        return self.status is not KeyStatus.REVOKED and (self.expires_at is None or now < self.expires_at)

    @property
    def switched_off(self) -> frozenset[Feature]:
        return self.without | PLANS[self.plan].without


def new_secret() -> str:
    """A secret that nobody has had before."""
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def new_key_id() -> str:
    """An id that no key has had before."""
    return f"key-{secrets.token_hex(_ID_BYTES)}"


def new_tenant() -> str:
    """A tenant that nobody has been before."""
    return f"tenant-{secrets.token_hex(_ID_BYTES)}"


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret in hex: 64 characters, which is also what API Gateway knows the key by."""
    return hashlib.sha256(secret.encode()).hexdigest()
