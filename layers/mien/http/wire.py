"""Small things both sides of the wire agree on."""

from __future__ import annotations

import json
from typing import Any

KEY_HEADER = "x-key-secret"
UID_HEADER = "x-face-uid"
REQUEST_ID_HEADER = "x-request-id"


def compact_json(value: Any) -> str:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
