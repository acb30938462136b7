"""Webhooks on a laptop: the same function, told by the outbox as by a queue on AWS."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from mien import settings
from mien.adapters.sqlite_outbox import Notice, SqliteOutbox
from mien.adapters.sqlite_uploads import SqliteUploadLog
from mien.domain.errors import MienError
from mien.domain.uploads import UPLOAD_FINISHED
from mien.domain.webhooks import MAX_TRIES
from mien.http.limits import HIDDEN_SECONDS
from mien.local.functions import LocalFunction, handler_path
from mien.ports.upload_log import UploadLog

LOOK_SECONDS = 1.0

log = logging.getLogger("webhooks")


class Function(Protocol):
    """As much of a LocalFunction as is needed here."""

    async def start(self) -> None: ...

    async def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]: ...


class LocalWebhooks:
    """Takes what is due from the outbox and hands it to the function, which starts with the first webhook.

    The stores are asked in this thread: in another they would still be asked when they are closed.
    """

    def __init__(self, outbox: SqliteOutbox, uploads: UploadLog, function: Function) -> None:
        self._outbox, self._uploads, self._function = outbox, uploads, function
        self._started = False

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.tell_due()
            except MienError as error:
                log.warning("Webhooks wait: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def tell_due(self) -> None:
        """Tell all that is due. Raises MienError; what was taken then is due again later."""
        while (notice := self._outbox.take(timedelta(seconds=HIDDEN_SECONDS))) is not None:
            if await self._is_settled(notice):
                self._outbox.remove(notice)

    async def _is_settled(self, notice: Notice) -> bool:
        if self._uploads.rules(notice.tenant).webhook is None:
            return True
        if notice.tries > MAX_TRIES:
            log.error("The webhook of %s never heard of %s", notice.tenant, notice.id)
            return True
        if not self._started:
            await self._function.start()
            self._started = True
        answer = await self._function.invoke(webhooks_event(notice), str(uuid.uuid4()))
        return not answer["batchItemFailures"]


@asynccontextmanager
async def telling_webhooks(functions: Path, database: Path, photos: Path) -> AsyncIterator[None]:
    """Tell webhooks in the background, of what the database's outbox says and the folder of photos holds."""
    function = webhooks_function(functions, database, photos)
    with closing(SqliteOutbox(database)) as outbox, closing(SqliteUploadLog(database)) as uploads:
        telling = asyncio.create_task(LocalWebhooks(outbox, uploads, function).run())
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            await function.stop()


def webhooks_function(functions: Path, database: Path, photos: Path) -> LocalFunction:
    """The function, yet to be started."""
    variables = dict.fromkeys((settings.UPLOAD_LOG, settings.WEBHOOK_QUEUE), f"sqlite:{database}")
    variables |= {settings.PHOTOS: f"folder:{photos}", "POWERTOOLS_LOG_LEVEL": "WARNING"}
    return LocalFunction(handler_path(functions, "webhooks"), variables, concurrency=1)


def webhooks_event(notice: Notice) -> dict[str, Any]:
    """A notice as SQS hands it over, where EventBridge has put it there."""
    body = {"detail-type": UPLOAD_FINISHED, "detail": {"tenant": notice.tenant, "id": notice.id}}
    record = {
        "messageId": notice.id,
        "receiptHandle": notice.receipt,
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(notice.tries)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:local:000000000000:webhooks",
        "awsRegion": "local",
    }
    return {"Records": [record]}
