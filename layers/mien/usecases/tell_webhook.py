"""A tenant's webhook hears the answer to a photo, signed, until it says that it has.

What is posted is what stands under the upload's result, which nothing changes: the same id never has two bodies. It may
have been posted before, where whoever posted it broke off before that was noted: receivers know it by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from mien.domain.errors import UrlNotFetched
from mien.domain.uploads import UploadStatus
from mien.ports.clock import Clock, utc_now
from mien.ports.hook_poster import HookPoster
from mien.ports.photo_store import PhotoStore
from mien.ports.upload_log import UploadLog


class Told(StrEnum):
    """What became of a notice; it needs no other try."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver says that it is gone for good."""
    NOTHING = "nothing"
    """There is no webhook, or no answer any longer."""


@dataclass(frozen=True, slots=True)
class TellWebhook:
    """Tells one tenant of one upload."""

    log: UploadLog
    photos: PhotoStore
    poster: HookPoster
    clock: Clock = utc_now

    def __call__(self, tenant: str, id: str) -> Told:
        """Post an upload's answer.

        Raises:
            UrlNotAllowed, UrlNotFetched: it did not arrive; try again later.
            ServiceError: something of ours failed; try again later.

        """
        webhook = self.log.rules(tenant).webhook
        body = self._answer(tenant, id) if webhook else None
        if webhook is None or body is None:
            return Told.NOTHING
        status = self.poster.post(webhook.url, webhook.signed(id, body, self.clock()), body)
        if status == HTTPStatus.GONE:
            return Told.REFUSED
        if not _is_success(status):
            raise UrlNotFetched(f"The webhook answers with status {status}.")
        return Told.DELIVERED

    def _answer(self, tenant: str, id: str) -> bytes | None:
        upload = self.log.find(tenant, id)
        if upload is None or upload.status is UploadStatus.PENDING:
            return None
        return self.photos.answer(upload.result_key)


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
