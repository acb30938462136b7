"""Whose key is this?"""

from __future__ import annotations

from datetime import datetime

from mien.domain.errors import InvalidApiKey
from mien.domain.keys import ApiKey, hash_secret
from mien.ports.key_store import KeyStore


def authorise(secret: str, keys: KeyStore, now: datetime) -> ApiKey:
    """The key behind a secret. A suspended one is returned too: what it may still do is the caller's decision.

    Raises:
        InvalidApiKey: the secret is empty, unknown, revoked, or was rotated away.

    """
    key = keys.find(hash_secret(secret)) if secret else None
    if key is None or not key.usable(now):
        raise InvalidApiKey()
    return key
