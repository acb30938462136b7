"""Whether an answer that is shown somewhere is the answer that is given."""

from __future__ import annotations

from typing import Any

import pytest

OF_ONE_CALL = {"latency_ms", "request_id", "face_ids", "created_at", "completed_at", "month", "resets_at"} | {
    *("id", "url", "fields", "expires_at", "key", "version", "etag"),
}


def assert_alike(shown: Any, real: Any) -> None:
    """The same keys and words; numbers about the same."""
    if isinstance(shown, dict):
        assert shown.keys() == real.keys()
        for key in shown.keys() - OF_ONE_CALL:
            assert_alike(shown[key], real[key])
    elif isinstance(shown, list):
        assert len(shown) == len(real)
        for a, b in zip(shown, real, strict=True):
            assert_alike(a, b)
    elif isinstance(shown, float):
        assert shown == pytest.approx(real, abs=0.02, rel=0.02)
    else:
        assert shown == real
