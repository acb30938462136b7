"""A place for a photo that is yet to land, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mien.domain.errors import UploadNotFound
from mien.domain.plans import PLANS
from mien.domain.uploads import Payer, Task, Upload, UploadStatus, new_upload_id, upload_key
from mien.domain.usage import month_of
from mien.ports.clock import Clock, utc_now
from mien.ports.meter import Meter
from mien.ports.photo_store import PhotoStore, PostForm
from mien.ports.upload_log import UploadLog


@dataclass(frozen=True, slots=True)
class OpenedUpload:
    """An upload that awaits its photo, and the form to post it with."""

    upload: Upload
    form: PostForm


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """Makes places for photos, each for one of the size and type that was said."""

    photos: PhotoStore
    log: UploadLog
    meter: Meter
    clock: Clock = utc_now

    def __call__(self, tenant: str, payer: Payer, task: Task | None, content_type: str, size: int) -> OpenedUpload:
        """Make a place. Without a task the tenant's rules say what is done.

        Raises:
            QuotaExceeded: the plan's month is used up. The photo itself is counted when it is answered.
            Unavailable: a store does not answer.

        """
        plan, now = PLANS[payer.plan], self.clock()
        used, limit = self.meter.usage(payer.key_id, month_of(now)).used, plan.calls_per_month
        if limit is not None and used >= limit:
            raise plan.exceeded(used)
        upload = Upload(tenant, new_upload_id(), payer, task, now)
        self.log.add(upload)
        return OpenedUpload(upload, self.photos.post_form(upload_key(tenant, upload.id), content_type, size))


@dataclass(frozen=True, slots=True)
class FoundUpload:
    """An upload, and its answer once there is one."""

    upload: Upload
    answer: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FindUpload:
    """Says what became of a photo."""

    photos: PhotoStore
    log: UploadLog

    def __call__(self, tenant: str, id: str) -> FoundUpload:
        """The upload of an id.

        Raises:
            UploadNotFound: the tenant has none of this id, or no longer.
            Unavailable: a store does not answer.

        """
        upload = self.log.find(tenant, id)
        if upload is None:
            raise UploadNotFound("There is no upload of this id.")
        if upload.status is UploadStatus.PENDING:
            return FoundUpload(upload, None)
        answer = self.photos.answer(upload.result_key)
        if answer is None:
            raise UploadNotFound("The answer to this upload is no longer kept.")
        return FoundUpload(upload, json.loads(answer))
