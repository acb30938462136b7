"""How Mien talks to AWS: short waits, few tries, and one error when it does not answer."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mien.domain.errors import Unavailable

Item = dict[str, Any]
"""A row in DynamoDB's JSON: attribute names to values with their types."""

Service = Literal["apigateway", "dynamodb", "events", "lambda", "s3", "s3vectors", "sqs", "stepfunctions"]
SERVICES: tuple[Service, ...] = get_args(Service)
"""All that Mien calls; the images know no others."""

_CONFLICT_TRIES = 6
_CONFLICT_PAUSE = 0.02

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=16,
)

# Without it, forms to post to S3 with are signed in the old way, and sent to another region's door.
_CONFIG_OF_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


def client(service: Service, attempts: int = 3) -> Any:
    """A client for a service, with the environment's credentials and region.

    One attempt is for what must not be done twice: after a broken connection nobody knows whether it was done.
    """
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}))
    return boto3.client(service, config=config.merge(_CONFIG_OF_S3) if service == "s3" else config)


def error_code(error: BaseException | None) -> str:
    """What AWS calls its refusal; empty where it did not answer."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


@contextmanager
def unavailable(what: str) -> Iterator[None]:
    """Turn AWS's refusals and silences into Unavailable."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"{what} does not answer.") from error


def transact(client: Any, what: str, writes: Sequence[Item]) -> list[bool]:
    """Write all of it to DynamoDB, or nothing: [] when it is written, else of each write whether its condition broke.

    Raises:
        Unavailable: also when others go on changing the same items for a second or so.

    """
    for attempt in range(_CONFLICT_TRIES):
        try:
            with unavailable(what):
                client.transact_write_items(TransactItems=list(writes))
            return []
        except Unavailable as error:
            reasons = _cancellation(error.__cause__)
            if "ConditionalCheckFailed" in reasons:
                return [reason == "ConditionalCheckFailed" for reason in reasons]
            if "TransactionConflict" not in reasons:
                raise
        # Another change of the same item is under way: it will be over in milliseconds.
        time.sleep(_CONFLICT_PAUSE * 2**attempt * random.random())  # noqa: S311 -- jitter is no secret
    raise Unavailable(f"{what} is busy.")


def _cancellation(cause: BaseException | None) -> list[str]:
    """Why a transaction was cancelled, by write; empty when that is not what happened."""
    reasons = cause.response.get("CancellationReasons", []) if isinstance(cause, ClientError) else []
    return [reason.get("Code", "None") for reason in reasons]
