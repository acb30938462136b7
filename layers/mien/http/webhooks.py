"""The queue of finished uploads whose tenants may want to hear of them, as a Lambda gets it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from mien.domain.errors import MalformedRequest, MienError
from mien.domain.uploads import UPLOAD_FINISHED
from mien.domain.webhooks import retry_wait
from mien.http.errors import entry_for
from mien.http.observability import logger
from mien.ports.retry_queue import RetryQueue
from mien.usecases.tell_webhook import TellWebhook

_draw = SystemRandom().random


@dataclass(frozen=True, slots=True)
class WebhookMessages:
    """Tells of each message of an event; what is not told is put off, longer each time, and reported as failed."""

    tell: TellWebhook
    queue: RetryQueue

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The items that failed, as SQS wants to hear of them."""
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response(event, self._take, processor, context))

    def _take(self, record: SQSRecord) -> None:
        tries = int(record.attributes.approximate_receive_count)
        try:
            tenant, id = finished_upload(record.body)
            told = self.tell(tenant, id)
        except Exception as error:
            _report_failure(record, tries, error)
            self.queue.retry_after(record.receipt_handle, retry_wait(tries, _draw()))
            raise
        logger.info("webhook", tenant=tenant, upload_id=id, tries=tries, told=told.value)


def finished_upload(message: str) -> tuple[str, str]:
    """Tenant and id of the upload that an event of EventBridge is about. Raises MalformedRequest."""
    try:
        event = json.loads(message)
        detail = event["detail"]
        if event["detail-type"] == UPLOAD_FINISHED:
            return str(detail["tenant"]), str(detail["id"])
    except (ValueError, KeyError, TypeError):
        pass
    raise MalformedRequest("The message is of no finished upload.")


def _report_failure(record: SQSRecord, tries: int, error: Exception) -> None:
    code = entry_for(error).code if isinstance(error, MienError) else "internal"
    bug = not isinstance(error, MienError)
    logger.warning("webhook", message_id=record.message_id, tries=tries, code=code, error=str(error), exc_info=bug)
