"""Messages of photos that could not be looked at, in an SQS queue, and their way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.adapters.aws import unavailable

_WHAT = "The queue of dead letters"
_MOVING = "RUNNING"


@dataclass(frozen=True, slots=True)
class Redrive:
    """How far messages are on their way back to the queue that they came from."""

    moving: bool
    moved: int
    failure: str | None


class SqsDeadLetters:
    """A queue of dead letters by its URL. `client` is a boto3 SQS client."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def count(self) -> int:
        """About how many there are."""
        return int(self._attribute("ApproximateNumberOfMessages"))

    def start_redrive(self) -> None:
        """Begin to move all of them back; whether it is done `redrive` tells."""
        with unavailable(_WHAT):
            self._client.start_message_move_task(SourceArn=self._attribute("QueueArn"))

    def redrive(self) -> Redrive | None:
        """The latest move; None when there was none of late."""
        with unavailable(_WHAT):
            answer = self._client.list_message_move_tasks(SourceArn=self._attribute("QueueArn"), MaxResults=1)
        if not answer["Results"]:
            return None
        task = answer["Results"][0]
        moved = task.get("ApproximateNumberOfMessagesMoved", 0)
        return Redrive(task["Status"] == _MOVING, moved, task.get("FailureReason"))

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _attribute(self, name: str) -> str:
        with unavailable(_WHAT):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return str(answer["Attributes"][name])
