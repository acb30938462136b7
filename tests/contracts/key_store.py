from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from mien.domain.plans import Feature
from mien.ports.key_store import KeyStore

CREATED = datetime(2026, 11, 21, tzinfo=UTC)
KEY = ApiKey(hash_secret("a secret"), "key-1", "tenant-1", "Ünïcode name", "pro", KeyStatus.ACTIVE, CREATED)
FULL = replace(
    KEY,
    key_hash=hash_secret("another"),
    expires_at=CREATED + timedelta(hours=24),
    without=frozenset({Feature.EMOTION, Feature.AGE}),
)


class KeyStoreContract:
    """Subclass and provide a `store` fixture."""

    def test_a_stored_key_is_found_by_its_hash(self, store: KeyStore) -> None:
        store.put(KEY)
        assert store.find(KEY.key_hash) == KEY

    @pytest.mark.parametrize("key", [KEY, FULL, replace(KEY, status=KeyStatus.SUSPENDED)])
    def test_a_key_comes_back_whole(self, store: KeyStore, key: ApiKey) -> None:
        store.put(key)
        assert store.find(key.key_hash) == key

    def test_every_key_can_be_named(self, store: KeyStore) -> None:
        assert list(store.all()) == []
        store.put(KEY)
        store.put(FULL)
        assert sorted(store.all(), key=lambda key: key.key_hash) == sorted([KEY, FULL], key=lambda key: key.key_hash)

    def test_an_unknown_hash_finds_nothing(self, store: KeyStore) -> None:
        store.put(KEY)
        assert store.find(hash_secret("another secret")) is None

    def test_storing_again_replaces(self, store: KeyStore) -> None:
        store.put(KEY)
        store.put(replace(KEY, status=KeyStatus.REVOKED))
        found = store.find(KEY.key_hash)
        assert found is not None
        assert found.status is KeyStatus.REVOKED

    @pytest.mark.parametrize("probe", ["", "' OR '1'='1", "%", "\0"])
    def test_a_hostile_hash_finds_nothing(self, store: KeyStore, probe: str) -> None:
        store.put(KEY)
        assert store.find(probe) is None
