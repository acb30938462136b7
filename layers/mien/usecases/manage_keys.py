"""Making, changing and ending API keys.

A key is written where calls come in before it is written where it is looked up, and taken away in the other order: what
breaks off in between lets nobody in, and can be run again. `Registry` only knows hashes, so it can be brought in step.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from mien.domain.errors import KeyNotFound
from mien.domain.keys import ApiKey, KeyStatus, hash_secret, new_key_id, new_secret, new_tenant
from mien.domain.plans import Feature
from mien.ports.clock import Clock, utc_now
from mien.ports.key_registry import KeyRegistry
from mien.ports.key_store import KeyStore


@dataclass(frozen=True, slots=True)
class ManageKeys:
    """What an operator does with keys. Every method may raise Unavailable."""

    keys: KeyStore
    registry: KeyRegistry
    clock: Clock = utc_now

    def create(
        self, name: str, plan: str, tenant: str | None = None, without: Collection[Feature] = ()
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is told nowhere else; for a new tenant when none is named."""
        secret = new_secret()
        key = ApiKey(
            key_hash=hash_secret(secret),
            id=new_key_id(),
            tenant=tenant or new_tenant(),
            name=name,
            plan=plan,
            status=KeyStatus.ACTIVE,
            created_at=self.clock(),
            without=frozenset(without),
        )
        self._let_in(key)
        return key, secret

    def secrets_of(self, key_id: str) -> list[ApiKey]:
        """The rows of a key, newest first: one a secret that it has or had. Raises KeyNotFound."""
        found = [key for key in self.keys.all() if key.id == key_id]
        if not found:
            raise KeyNotFound(f"There is no key {key_id!r}.")
        return sorted(found, key=lambda key: key.created_at, reverse=True)

    def change(
        self,
        key_id: str,
        *,
        status: KeyStatus | None = None,
        plan: str | None = None,
        without: Collection[Feature] | None = None,
    ) -> ApiKey:
        """Change every secret of a key alike; a revoked key stays revoked. Raises KeyNotFound."""
        changed = [
            replace(
                row,
                status=row.status if status is None or row.status is KeyStatus.REVOKED else status,
                plan=row.plan if plan is None else plan,
                without=row.without if without is None else frozenset(without),
            )
            for row in self.secrets_of(key_id)
        ]
        for row in changed:
            if row.usable(self.clock()):
                self._let_in(row)
            else:
                self._lock_out(row)
        return changed[0]

    def rotate(self, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """Give a key a new secret; those it has end after the overlap. Raises KeyNotFound, also of a revoked key."""
        usable = [row for row in self.secrets_of(key_id) if row.usable(self.clock())]
        if not usable:
            raise KeyNotFound(f"The key {key_id!r} is revoked; create another.")
        secret, now = new_secret(), self.clock()
        key = replace(usable[0], key_hash=hash_secret(secret), created_at=now, expires_at=None)
        self._let_in(key)
        for row in usable:
            ends = now + overlap
            if row.expires_at is None or ends < row.expires_at:
                self.keys.put(replace(row, expires_at=ends))
        return key, secret

    def sync(self) -> int:
        """Bring the registry in step with the store, whatever broke off before; how many keys it then knows."""
        usable = {key.key_hash: key for key in self.keys.all() if key.usable(self.clock())}
        for key_hash in set(self.registry.known()) - usable.keys():
            self.registry.remove(key_hash)
        for key in usable.values():
            self.registry.put(key)
        return len(usable)

    def _let_in(self, key: ApiKey) -> None:
        self.registry.put(key)
        self.keys.put(key)

    def _lock_out(self, key: ApiKey) -> None:
        self.keys.put(key)
        self.registry.remove(key.key_hash)
