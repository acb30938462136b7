"""The environment variables Mien reads, each named once, and where things lie in a checkout."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from mien.domain.errors import ConfigurationError

MODELS = "MIEN_MODELS"
THREADS = "MIEN_THREADS"
KEY_STORE = "MIEN_KEY_STORE"
GALLERY = "MIEN_GALLERY"
SEARCH = "MIEN_SEARCH"
RETENTION_DAYS = "MIEN_RETENTION_DAYS"
METER = "MIEN_METER"
METER_FAILS = "MIEN_METER_FAILS"
URL_FETCH = "MIEN_URL_FETCH"
PHOTOS = "MIEN_PHOTOS"
KEEP_PHOTOS = "MIEN_KEEP_PHOTOS"
UPLOAD_LOG = "MIEN_UPLOAD_LOG"
RESULT_DAYS = "MIEN_RESULT_DAYS"
ANNOUNCER = "MIEN_ANNOUNCER"
WEBHOOK_QUEUE = "MIEN_WEBHOOK_QUEUE"
DEAD_LETTERS = "MIEN_DEAD_LETTERS"
BATCHES = "MIEN_BATCHES"
API = "MIEN_API"

LAMBDA_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""Set by Lambda, in MB."""

MB_PER_CORE = 1769
"""With so much memory a function has one whole core, with more or less of it more or less than one:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html.
"""

CHECKOUT = Path(__file__).resolve().parents[2]


def models_folder() -> Path:
    """The folder of built models: MIEN_MODELS, or the checkout's own."""
    return Path(os.environ.get(MODELS) or CHECKOUT / "models" / "built")


def threads() -> int:
    """How many threads a network may use: MIEN_THREADS, or one for each whole core of a Lambda's memory, or one.

    Raises:
        ConfigurationError: one of them is no number above zero.

    """
    cores = _whole_number(LAMBDA_MEMORY, str(MB_PER_CORE)) // MB_PER_CORE
    return _whole_number(THREADS, str(max(cores, 1)))


def key_store_address() -> str:
    """The key store's address, from MIEN_KEY_STORE. Raises ConfigurationError when it is not set."""
    return _required(KEY_STORE)


def gallery_address() -> str:
    """The address of the galleries, from MIEN_GALLERY. Raises ConfigurationError when it is not set."""
    return _required(GALLERY)


def search_address() -> str:
    """What searches the galleries: MIEN_SEARCH, or the function's own memory."""
    return os.environ.get(SEARCH) or "memory"


def retention() -> timedelta | None:
    """How long enrolled faces are kept: MIEN_RETENTION_DAYS, or until they are deleted. Raises ConfigurationError."""
    return _days(RETENTION_DAYS)


def photos_address() -> str:
    """Where photos land, from MIEN_PHOTOS. Raises ConfigurationError when it is not set."""
    return _required(PHOTOS)


def keeps_photos() -> bool:
    """Whether photos stay when they are answered: MIEN_KEEP_PHOTOS is off, or on by default.

    Raises:
        ConfigurationError: it is neither.

    """
    return _one_of(KEEP_PHOTOS, "on", "off") == "on"


def upload_log_address() -> str:
    """The address of the upload log, from MIEN_UPLOAD_LOG. Raises ConfigurationError when it is not set."""
    return _required(UPLOAD_LOG)


def result_retention() -> timedelta | None:
    """How long what became of uploads is kept: MIEN_RESULT_DAYS, or for ever. Raises ConfigurationError."""
    return _days(RESULT_DAYS)


def announcer_address() -> str:
    """Who is told of finished uploads, from MIEN_ANNOUNCER. Raises ConfigurationError when it is not set."""
    return _required(ANNOUNCER)


def webhook_queue_address() -> str:
    """Where webhooks wait, from MIEN_WEBHOOK_QUEUE. Raises ConfigurationError when it is not set."""
    return _required(WEBHOOK_QUEUE)


def meter_address() -> str:
    """The address of the meter, from MIEN_METER. Raises ConfigurationError when it is not set."""
    return _required(METER)


def meter_fails_open() -> bool:
    """Whether calls pass uncounted while the meter does not answer: MIEN_METER_FAILS is open, or closed by default.

    Raises:
        ConfigurationError: it is neither.

    """
    return _one_of(METER_FAILS, "closed", "open") == "open"


def fetches_urls() -> bool:
    """Whether images are fetched from urls that callers send: MIEN_URL_FETCH is off, or on by default.

    Raises:
        ConfigurationError: it is neither.

    """
    return _one_of(URL_FETCH, "on", "off") == "on"


def local_database() -> Path:
    """The SQLite file of the local server."""
    return CHECKOUT / "var" / "mien.sqlite"


def address_or_local(name: str) -> str:
    """The address that a variable names, or the local server's database."""
    return os.environ.get(name) or f"sqlite:{local_database()}"


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set.")
    return value


def _one_of(name: str, default: str, other: str) -> str:
    value = os.environ.get(name) or default
    if value not in (default, other):
        raise ConfigurationError(f"{name} must be {default} or {other}, not {value!r}.")
    return value


def _days(name: str) -> timedelta | None:
    return timedelta(days=_whole_number(name)) if os.environ.get(name) else None


def _whole_number(name: str, default: str = "") -> int:
    value = os.environ.get(name, default)
    if not value.isdecimal() or int(value) < 1:
        raise ConfigurationError(f"{name} must be a whole number above zero, not {value!r}.")
    return int(value)
