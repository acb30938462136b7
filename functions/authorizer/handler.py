"""The authorizer of every route that needs a key."""

from __future__ import annotations

from mien import startup

# isort: split
from typing import Any

from mien import settings
from mien.adapters.stores import open_key_store
from mien.http.authorizer import authorizer_answer

keys = open_key_store(settings.key_store_address())


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return authorizer_answer(event, keys)


startup.finished()
