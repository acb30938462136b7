"""What was used in a month, and about what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The billed calls of a key in a UTC calendar month, and how many of them to which endpoint."""

    key_id: str
    month: str
    used: int = 0
    by_endpoint: Mapping[str, int] = field(default_factory=dict)


def month_of(now: datetime) -> str:
    """2026-11, in UTC."""
    return now.astimezone(UTC).strftime("%Y-%m")


def month_after(month: str) -> datetime:
    """When a month is over and its counter starts anew."""
    year, number = (int(part) for part in month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
