"""Messages that wait in an SQS queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mien.adapters.aws import unavailable


class SqsRetryQueue:
    """A RetryQueue, which the queue's own redrive policy empties of what was handed out too often."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def retry_after(self, receipt: str, wait: timedelta) -> None:
        with unavailable("The queue"):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=int(wait.total_seconds())
            )

    def close(self) -> None:
        self._client.close()
