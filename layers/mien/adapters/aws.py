"""How Mien talks to AWS: short waits, few tries, and one error when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mien.domain.errors import Unavailable

Item = dict[str, Any]
"""A row in DynamoDB's JSON: attribute names to values with their types."""

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=16,
)

# Without it, forms to post to S3 with are signed in the old way, and sent to another region's door.
_CONFIG_OF_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


def client(service: str, attempts: int = 3) -> Any:
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
