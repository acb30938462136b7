"""A photo has landed: look at it once, write down the answer once, tell those who want to know.

Deliveries come more than once, in any order, at once, and break off between any two steps. So every step can be done
again, and what two might do differently, only the first does: the answer that stands is everybody's answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mien.domain.errors import MienError, ServiceError
from mien.domain.plans import PLANS
from mien.domain.uploads import (
    MAX_UPLOAD_BYTES,
    METERED_AS,
    PhotoVersion,
    Task,
    Upload,
    UploadRules,
    UploadStatus,
    house_payer,
    is_upload_id,
    upload_key,
)
from mien.domain.usage import month_of
from mien.ports.announcer import Announcer
from mien.ports.clock import Clock, utc_now
from mien.ports.meter import Meter
from mien.ports.photo_store import PhotoStore
from mien.ports.upload_log import UploadLog

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """How a photo is answered, and how an error: as the API does."""

    success: Callable[[Upload, bytes], Body]
    error: Callable[[Upload, MienError], Body]


@dataclass(frozen=True, slots=True)
class ReceivePhoto:
    """Takes photos in. `keeps_photos` is whether those that landed here stay when they are answered."""

    photos: PhotoStore
    log: UploadLog
    meter: Meter
    announcer: Announcer
    answers: Answers
    keeps_photos: bool = True
    clock: Clock = utc_now

    def __call__(self, tenant: str, path: str, photo: PhotoVersion, task: Task | None = None) -> Upload | None:
        """Bring a photo's upload to its end, from wherever it is; None when the photo is gone and nobody looked at it.

        `path` is where the photo lies under the tenant's own prefix. Without a task the photo's sender or the
        tenant's rules say what is wanted.

        Raises:
            ServiceError: something of ours failed; do it again later.

        """
        upload = self._find(tenant, path, photo, task)
        if upload.status is UploadStatus.PENDING:
            finished = self._finish(upload, photo, path)
            if finished is None:
                return None
            upload = finished
        if not upload.announced:
            self.announcer.announce(upload)
            self.log.set_announced(tenant, upload.id)
        if not self.keeps_photos and self.photos.owns(photo):
            self.photos.delete(photo)
        return upload

    def _find(self, tenant: str, path: str, photo: PhotoVersion, task: Task | None) -> Upload:
        """The upload that awaited this photo, or one of the photo's own."""
        if is_upload_id(path) and photo.key == upload_key(tenant, path):
            awaited = self.log.claim(tenant, path, photo)
            if awaited is not None:
                return awaited
        of_its_own = Upload(tenant, photo.id, house_payer(tenant), task, self.clock(), photo)
        return self.log.find(tenant, photo.id) or of_its_own

    def _finish(self, upload: Upload, photo: PhotoVersion, path: str) -> Upload | None:
        rules = self.log.rules(upload.tenant)
        upload = replace(upload, payer=replace(upload.payer, without=upload.payer.without | rules.without))
        body = self._answer(upload, photo, rules, path)
        if body is None:
            return None
        stands = json.loads(self.photos.put_answer(upload.result_key, json.dumps(body).encode()))
        return self.log.finish(_as_answered(upload, stands))

    def _answer(self, upload: Upload, photo: PhotoVersion, rules: UploadRules, path: str) -> Body | None:
        try:
            landed = self.photos.read(photo, MAX_UPLOAD_BYTES)
            if landed is None:
                return None
            task = upload.task or (Task.of(landed.said) if landed.said else rules.task_for(path))
            upload = replace(upload, task=task)
            body = self.answers.success(upload, landed.data)
            self._count(upload)
        except MienError as error:
            if isinstance(error, ServiceError):
                raise
            body = self.answers.error(upload, error)
        return body | {"upload": _origin(upload, photo, self.clock())}

    def _count(self, upload: Upload) -> None:
        """Count the call, once however often this is done. Raises QuotaExceeded."""
        payer, plan = upload.payer, PLANS[upload.payer.plan]
        month = month_of(self.clock())
        if not self.meter.take_once(payer.key_id, month, METERED_AS, plan.calls_per_month, upload.id):
            raise plan.exceeded(used=plan.calls_per_month)


def _origin(upload: Upload, photo: PhotoVersion, now: datetime) -> Body:
    """Where an answer comes from."""
    return {
        "id": upload.id,
        "tenant": upload.tenant,
        "bucket": photo.bucket,
        "key": photo.key,
        "version": photo.version,
        "etag": photo.etag,
        "task": upload.task and upload.task.texts(),
        "completed_at": now.isoformat(timespec="milliseconds"),
    }


def _as_answered(upload: Upload, answer: Body) -> Upload:
    """The upload that an answer finishes."""
    origin, failed = answer["upload"], answer["status"] == "error"
    return replace(
        upload,
        status=UploadStatus.FAILED if failed else UploadStatus.DONE,
        task=origin["task"] and Task.of(origin["task"]),
        completed_at=datetime.fromisoformat(origin["completed_at"]),
        face_count=None if failed else answer["face_count"],
        code=answer["error"]["code"] if failed else None,
    )
