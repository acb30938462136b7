"""Telling of finished uploads on an EventBridge bus, where rules may send it on to anything."""

from __future__ import annotations

import json
from typing import Any

from mien.adapters.aws import unavailable
from mien.domain.errors import Unavailable
from mien.domain.uploads import UPLOAD_FINISHED, Upload

SOURCE = "mien"


class EventBusAnnouncer:
    """An Announcer on one bus. `client` is a boto3 EventBridge client."""

    def __init__(self, client: Any, bus: str) -> None:
        self._client, self._bus = client, bus

    def announce(self, upload: Upload) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": UPLOAD_FINISHED,
            "Detail": json.dumps(_detail(upload)),
        }
        with unavailable("The event bus"):
            answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise Unavailable("The event bus did not take an event.")

    def close(self) -> None:
        self._client.close()


def _detail(upload: Upload) -> dict[str, Any]:
    photo, done = upload.photo, upload.completed_at
    return {
        "tenant": upload.tenant,
        "id": upload.id,
        "status": upload.status.value,
        "code": upload.code,
        "face_count": upload.face_count,
        "bucket": photo and photo.bucket,
        "key": photo and photo.key,
        "version": photo and photo.version,
        "result_key": upload.result_key,
        "completed_at": done and done.isoformat(timespec="milliseconds"),
    }
