"""The environment variables Mien reads, each named once, and where things lie in a checkout."""

from __future__ import annotations

import os
from pathlib import Path

from mien.domain.errors import ConfigurationError

MODELS = "MIEN_MODELS"
THREADS = "MIEN_THREADS"
KEY_STORE = "MIEN_KEY_STORE"

CHECKOUT = Path(__file__).resolve().parents[2]


def models_folder() -> Path:
    """The folder of built models: MIEN_MODELS, or the checkout's own."""
    return Path(os.environ.get(MODELS) or CHECKOUT / "models" / "built")


def threads() -> int:
    """How many threads a network may use: MIEN_THREADS, or one.

    Raises:
        ConfigurationError: it is not a whole number above zero.

    """
    value = os.environ.get(THREADS, "1")
    if not value.isdecimal() or int(value) < 1:
        raise ConfigurationError(f"{THREADS} must be a whole number above zero, not {value!r}.")
    return int(value)


def key_store_address() -> str:
    """The key store's address, from MIEN_KEY_STORE.

    Raises:
        ConfigurationError: it is not set.

    """
    address = os.environ.get(KEY_STORE)
    if not address:
        raise ConfigurationError(f"{KEY_STORE} is not set.")
    return address
