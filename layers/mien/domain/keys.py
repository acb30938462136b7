"""API keys. The secret is shown once and stored nowhere; everything else hangs on its hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mien.domain.plans import PLANS

DEMO_TENANT = "demo"
"""Whose the key is that the local server makes."""

_PREFIX = "mien_"  # so that a leaked key can be told by sight
_RANDOM_BYTES = 24  # 192 random bits need no slow hash


class KeyStatus(StrEnum):
    """Whether a key opens the door."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key. Keys of one tenant share its galleries; nobody else's key opens them."""

    key_hash: str
    tenant: str
    name: str
    plan: str
    status: KeyStatus
    created_at: datetime

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise ValueError(f"There is no plan {self.plan!r}.")


def new_secret() -> str:
    """A secret that nobody has had before."""
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret in hex: 64 characters, which is also what API Gateway knows the key by."""
    return hashlib.sha256(secret.encode()).hexdigest()
