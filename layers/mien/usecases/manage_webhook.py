"""Naming, trying, changing and ending a tenant's webhook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from mien.domain.errors import NotFound
from mien.domain.uploads import new_upload_id
from mien.domain.webhooks import Webhook, new_webhook_secret
from mien.ports.clock import Clock, utc_now
from mien.ports.hook_poster import HookPoster
from mien.ports.upload_log import UploadLog


@dataclass(frozen=True, slots=True)
class SignedPost:
    """What a webhook would get."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ManageWebhook:
    """What an operator does with a tenant's webhook. Every method may raise Unavailable."""

    log: UploadLog
    poster: HookPoster
    clock: Clock = utc_now

    def webhook_of(self, tenant: str) -> Webhook:
        """The tenant's webhook. Raises NotFound."""
        webhook = self.log.rules(tenant).webhook
        if webhook is None:
            raise NotFound(f"The tenant {tenant!r} has no webhook.")
        return webhook

    def name(self, tenant: str, url: str) -> str:
        """Tell the tenant's results here from now on; the secret that signs them. Raises UrlNotAllowed."""
        self.poster.check(url)
        secret = new_webhook_secret()
        self._put(tenant, Webhook(url, secret))
        return secret

    def rotate(self, tenant: str, overlap: timedelta) -> str:
        """Sign with a new secret too, and with it alone after the overlap. Raises NotFound."""
        webhook, secret = self.webhook_of(tenant), new_webhook_secret()
        ends = self.clock() + overlap
        self._put(tenant, replace(webhook, secret=secret, old_secret=webhook.secret, old_secret_ends=ends))
        return secret

    def remove(self, tenant: str) -> None:
        """Tell nobody any more; what waits for another try is not told either."""
        self._put(tenant, None)

    def trial(self, tenant: str) -> SignedPost:
        """What the tenant's webhook would get, but that the body says that it is a test. Raises NotFound."""
        webhook, id, now = self.webhook_of(tenant), f"test-{new_upload_id()}", self.clock()
        upload = {"id": id, "tenant": tenant, "completed_at": now.isoformat(timespec="milliseconds")}
        body = json.dumps({"status": "test", "message": "A test of Mien's webhook.", "upload": upload}).encode()
        return SignedPost(webhook.url, webhook.signed(id, body, now), body)

    def try_out(self, tenant: str) -> int:
        """Post it once; the status that comes back. Raises NotFound, UrlNotAllowed, UrlNotFetched."""
        trial = self.trial(tenant)
        return self.poster.post(trial.url, trial.headers, trial.body)

    def _put(self, tenant: str, webhook: Webhook | None) -> None:
        self.log.set_rules(tenant, replace(self.log.rules(tenant), webhook=webhook))
