"""Tells tenants' webhooks of finished uploads."""

from __future__ import annotations

from mien import startup

# isort: split
from typing import Any

from mien import settings
from mien.adapters.https_hooks import HttpsHookPoster
from mien.adapters.stores import open_photos, open_retry_queue, open_upload_log
from mien.http.webhooks import WebhookMessages
from mien.usecases.tell_webhook import TellWebhook

tell = TellWebhook(
    open_upload_log(settings.upload_log_address()), open_photos(settings.photos_address()), HttpsHookPoster()
)
messages = WebhookMessages(tell, open_retry_queue(settings.webhook_queue_address()))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return messages(event, context)


startup.finished()
