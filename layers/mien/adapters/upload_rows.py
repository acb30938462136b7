"""Uploads and rules as plain values, as every store writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mien.domain.plans import Feature
from mien.domain.uploads import Payer, PhotoVersion, Task, Upload, UploadRules, UploadStatus
from mien.domain.webhooks import Webhook

Row = dict[str, Any]


def upload_row(upload: Upload) -> Row:
    """Without tenant and id, under which it is stored, nor whether it was announced."""
    photo, done = upload.photo, upload.completed_at
    return {
        "payer": {
            "key_id": upload.payer.key_id,
            "plan": upload.payer.plan,
            "without": sorted(upload.payer.without),
        },
        "task": upload.task and upload.task.texts(),
        "created_at": upload.created_at.isoformat(),
        "photo": photo and {"bucket": photo.bucket, "key": photo.key, "version": photo.version, "etag": photo.etag},
        "status": upload.status.value,
        "completed_at": done and done.isoformat(),
        "face_count": upload.face_count,
        "code": upload.code,
    }


def upload_of(tenant: str, id: str, row: Mapping[str, Any], announced: bool) -> Upload:
    """What `upload_row` wrote."""
    payer, task, photo, done = row["payer"], row["task"], row["photo"], row["completed_at"]
    return Upload(
        tenant=tenant,
        id=id,
        payer=Payer(payer["key_id"], payer["plan"], frozenset(map(Feature, payer["without"]))),
        task=Task.of(task) if task else None,
        created_at=datetime.fromisoformat(row["created_at"]),
        photo=PhotoVersion(**photo) if photo else None,
        status=UploadStatus(row["status"]),
        completed_at=datetime.fromisoformat(done) if done else None,
        face_count=row["face_count"],
        code=row["code"],
        announced=announced,
    )


def rules_row(rules: UploadRules) -> Row:
    """A tenant's rules."""
    return {
        "tasks": {prefix: task.texts() for prefix, task in rules.tasks.items()},
        "webhook": rules.webhook and _webhook_row(rules.webhook),
        "without": sorted(rules.without),
    }


def rules_of(row: Mapping[str, Any]) -> UploadRules:
    """What `rules_row` wrote."""
    return UploadRules(
        tasks={prefix: Task.of(texts) for prefix, texts in row["tasks"].items()},
        webhook=_webhook_of(row["webhook"]) if row["webhook"] else None,
        without=frozenset(map(Feature, row["without"])),
    )


def _webhook_row(webhook: Webhook) -> Row:
    ends = webhook.old_secret_ends
    return {
        "url": webhook.url,
        "secret": webhook.secret,
        "old_secret": webhook.old_secret,
        "old_secret_ends": ends and ends.isoformat(),
    }


def _webhook_of(row: Mapping[str, Any]) -> Webhook:
    ends = row["old_secret_ends"]
    return Webhook(row["url"], row["secret"], row["old_secret"], datetime.fromisoformat(ends) if ends else None)
