"""Query parameters and headers that callers set. What is unknown or out of range is refused, never ignored."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mien.domain.errors import InvalidParameter, MissingField
from mien.domain.face_filter import FaceFilter
from mien.domain.gallery import DEFAULT_COLLECTION, DEFAULT_MATCH_POLICY, MAX_UID_LENGTH, UNKNOWN, is_collection, is_uid
from mien.domain.usage import month_of
from mien.http.limits import MAX_FACES, MAX_PAGE
from mien.http.routes import COLLECTION, FACE_FILTER, MATCH_POLICY, MIN_LIVENESS, MONTH, PAGE
from mien.http.wire import UID_HEADER

Query = Mapping[str, list[str]]

DEFAULT_PAGE = 100

MONTH_PATTERN = "20[0-9]{2}-(0[1-9]|1[0-2])"

_MONTH = re.compile(MONTH_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is a number, from `low` to `high`."""

    kind: type[int] | type[float]
    low: int
    high: int
    unit: str = ""

    def read(self, name: str, values: list[str]) -> Any:
        """The number that was given. Raises InvalidParameter."""
        value = self.kind(values[0]) if len(values) == 1 and _WRITTEN[self.kind].fullmatch(values[0]) else None
        if value is None or not self.low <= value <= self.high:
            what = "a whole number" if self.kind is int else "a number"
            raise InvalidParameter(f"{name} must be {what}{self.unit} from {self.low} to {self.high}, given once.")
        return value


_WRITTEN = {
    int: re.compile(r"-?[0-9]{1,18}", re.ASCII),
    float: re.compile(r"-?[0-9]{0,18}\.?[0-9]{1,30}([eE][+-]?[0-9]{1,3})?", re.ASCII),
}
"""int() and float() read more: spaces, underscores, every alphabet's digits, words."""

NUMBERS = {
    FACE_FILTER[0]: Number(int, 1, MAX_FACES),
    FACE_FILTER[1]: Number(int, 0, 10_000, " of pixels"),
    FACE_FILTER[2]: Number(float, 0, 1),
    MIN_LIVENESS: Number(float, 0, 1),
    PAGE[0]: Number(int, 1, MAX_PAGE),
}


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where a listing goes on, and how many faces there were when it began. It names no tenant and no collection, so
    a forged one leads nowhere but through the caller's own.
    """

    after: str
    faces: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.after, self.faces]).encode()).decode().rstrip("=")


def refuse_others(query: Query, known: Collection[str]) -> None:
    """Raises InvalidParameter when the query names a parameter that is not known."""
    unknown = query.keys() - set(known)
    if unknown:
        there_are = f"there are {', '.join(known)}" if known else "there are none"
        raise InvalidParameter(f"There is no parameter {min(unknown)!r} here; {there_are}.")


def read_face_filter(query: Query) -> FaceFilter:
    """max_faces, min_face_size and min_detection_probability. Raises InvalidParameter."""
    given = {name: NUMBERS[name].read(name, query[name]) for name in FACE_FILTER if name in query}
    return FaceFilter(**given)


def read_match_policy(query: Query, policies: Collection[str]) -> str:
    """match_policy, one of the calibrated ones. Raises InvalidParameter."""
    values = query.get(MATCH_POLICY, [DEFAULT_MATCH_POLICY])
    if len(values) != 1 or values[0] not in policies:
        raise InvalidParameter(f"{MATCH_POLICY} must be one of {', '.join(policies)}, given once.")
    return values[0]


def read_collection(query: Query) -> str:
    """The name of a collection. Raises InvalidParameter."""
    values = query.get(COLLECTION, [DEFAULT_COLLECTION])
    if len(values) != 1 or not is_collection(values[0]):
        raise InvalidParameter(f"{COLLECTION} must be 1 to 64 of A-Z a-z 0-9 . _ -, given once.")
    return values[0]


def read_min_liveness(query: Query) -> float | None:
    """min_liveness; None when it is not given. Raises InvalidParameter."""
    return NUMBERS[MIN_LIVENESS].read(MIN_LIVENESS, query[MIN_LIVENESS]) if MIN_LIVENESS in query else None


def read_month(query: Query, now: datetime) -> str:
    """month, as 2026-11; the present one by default. Raises InvalidParameter."""
    values = query.get(MONTH, [month_of(now)])
    if len(values) != 1 or not _MONTH.fullmatch(values[0]):
        raise InvalidParameter(f"{MONTH} must be like {month_of(now)}, given once.")
    return values[0]


def read_page(query: Query) -> tuple[int, PageToken | None]:
    """Limit and next_token. Raises InvalidParameter."""
    limit, token = PAGE
    size = NUMBERS[limit].read(limit, query[limit]) if limit in query else DEFAULT_PAGE
    return size, _read_token(token, query[token]) if token in query else None


def read_uid(headers: Mapping[str, str]) -> str:
    """The x-face-uid header.

    Raises:
        MissingField: it is not there.
        InvalidParameter: it is too long, not ASCII, or what strangers are called.

    """
    uid = (headers.get(UID_HEADER) or "").strip()
    if not uid:
        raise MissingField(f"The header {UID_HEADER} is missing; it names the person.")
    if not is_uid(uid):
        raise InvalidParameter(
            f"{UID_HEADER} must be 1 to {MAX_UID_LENGTH} printable ASCII characters, and not {UNKNOWN!r}."
        )
    return uid


def _read_token(name: str, values: list[str]) -> PageToken:
    try:
        (text,) = values
        after, faces = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(after, str) or not is_uid(after) or type(faces) is not int or faces < 0:
            raise ValueError(name)
    except (ValueError, TypeError, binascii.Error):
        raise InvalidParameter(f"{name} must be as it was answered, given once.") from None
    return PageToken(after, faces)
