from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from mien.ports.key_store import KeyStore

KEY = ApiKey(
    hash_secret("a secret"), "tenant-1", "Ünïcode name", "pro", KeyStatus.ACTIVE, datetime(2026, 11, 21, tzinfo=UTC)
)


class KeyStoreContract:
    """Subclass and provide a `store` fixture."""

    def test_a_stored_key_is_found_by_its_hash(self, store: KeyStore) -> None:
        store.add(KEY)
        assert store.find(KEY.key_hash) == KEY

    def test_an_unknown_hash_finds_nothing(self, store: KeyStore) -> None:
        store.add(KEY)
        assert store.find(hash_secret("another secret")) is None

    def test_storing_again_replaces(self, store: KeyStore) -> None:
        store.add(KEY)
        store.add(replace(KEY, status=KeyStatus.REVOKED))
        found = store.find(KEY.key_hash)
        assert found is not None
        assert found.status is KeyStatus.REVOKED

    @pytest.mark.parametrize("probe", ["", "' OR '1'='1", "%", "\0"])
    def test_a_hostile_hash_finds_nothing(self, store: KeyStore, probe: str) -> None:
        store.add(KEY)
        assert store.find(probe) is None
