"""The switches of a deployment, from CDK's context: `-c arm64=true` on the command line, or `context` in cdk.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from infra.functions import FUNCTIONS
from mien.domain.errors import ConfigurationError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)

MeterFails = Literal["closed", "open"]
Search = Literal["memory", "s3vectors"]


@dataclass(frozen=True, slots=True)
class Config:
    """One deployment's switches, each named as in the context. docs/deploy.md says what they do."""

    arm64: bool = False
    cmk: bool = False
    concurrency: Mapping[str, int] = field(default_factory=dict)
    retention_days: int | None = None
    photo_days: int = 30
    result_days: int = 365
    batch_buckets: tuple[str, ...] = ()
    meter_fails: MeterFails = "closed"
    search: Search = "memory"
    url_fetch: bool = True
    alarm_email: str | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Read the switches; what is not ours is told by its colon. Raises ConfigurationError."""
        given = {name: value for name, value in context.items() if ":" not in name}
        unknown = given.keys() - _READERS.keys()
        if unknown:
            raise ConfigurationError(
                f"There is no switch {', '.join(sorted(unknown))}; there are {', '.join(_READERS)}."
            )
        values: dict[str, Any] = {name: _READERS[name](name, value) for name, value in given.items()}
        return cls(**values)


def _flag(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ConfigurationError(f"{name} is true or false, not {value!r}.")
    return text == "true"


def _count(name: str, value: Any) -> int:
    if not str(value).isdecimal() or int(value) < 1:
        raise ConfigurationError(f"{name} must be a whole number above zero, not {value!r}.")
    return int(value)


def _days(name: str, value: Any) -> int:
    return 0 if str(value) == "0" else _count(name, value)


def _buckets(name: str, value: Any) -> tuple[str, ...]:
    """`archive,holidays-2019`."""
    buckets = tuple(str(value).split(","))
    if not all(_BUCKET.fullmatch(bucket) for bucket in buckets):
        raise ConfigurationError(f"{name} is names of buckets with commas between, not {value!r}.")
    return buckets


def _limits(name: str, value: Any) -> dict[str, int]:
    """`analytics:20,recognition:5`."""
    limits = dict(pair.partition(":")[::2] for pair in str(value).split(","))
    functions = [spec.name for spec in FUNCTIONS]
    if not limits.keys() <= set(functions):
        raise ConfigurationError(f"{name} is FUNCTION:LIMIT,…, of {', '.join(functions)}; not {value!r}.")
    return {function: _count(name, limit) for function, limit in limits.items()}


def _one_of(choices: tuple[str, ...], name: str, value: Any) -> str:
    if value not in choices:
        raise ConfigurationError(f"{name} is {' or '.join(choices)}, not {value!r}.")
    return str(value)


def _text(_name: str, value: Any) -> str:
    return str(value)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "arm64": _flag,
    "cmk": _flag,
    "concurrency": _limits,
    "retention_days": _count,
    "photo_days": _days,
    "result_days": _count,
    "batch_buckets": _buckets,
    "meter_fails": lambda name, value: _one_of(get_args(MeterFails), name, value),
    "search": lambda name, value: _one_of(get_args(Search), name, value),
    "url_fetch": _flag,
    "alarm_email": _text,
}
