from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.adapters.stores import open_key_store
from mien.domain.errors import ConfigurationError
from mien.domain.keys import hash_secret
from tests.contracts.key_store import KEY, KeyStoreContract


class TestSqliteKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteKeyStore]:
        store = SqliteKeyStore(tmp_path / "state" / "mien.sqlite")
        yield store
        store.close()

    def test_another_process_sees_the_key_at_once(self, store: SqliteKeyStore, tmp_path: Path) -> None:
        other = SqliteKeyStore(tmp_path / "state" / "mien.sqlite")
        store.put(KEY)
        assert other.find(KEY.key_hash) == KEY
        other.close()

    def test_the_secret_is_not_in_the_file(self, store: SqliteKeyStore, tmp_path: Path) -> None:
        store.put(KEY)
        content = b"".join(file.read_bytes() for file in (tmp_path / "state").iterdir())
        assert hash_secret("a secret").encode() in content
        assert b"a secret" not in content


@pytest.mark.parametrize("address", ["", "sqlite:", "dynamodb", "dynamodb:", "mysql:keys"])
def test_an_address_nobody_answers_to_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:FILE"):
        open_key_store(address)
