"""Query parameters. What is unknown or out of range is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mien.domain.errors import InvalidParameter
from mien.http.limits import MAX_FACES
from mien.usecases.analyse_image import FaceFilter

Query = Mapping[str, list[str]]

MATCH_POLICY = "match_policy"
DEFAULT_MATCH_POLICY = "fmr_1e-4"


def read_face_filter(query: Query) -> FaceFilter:
    """max_faces, min_face_size and min_detection_probability.

    Raises:
        InvalidParameter: another name, a name given twice, or a value out of its range.

    """
    _refuse_others(query, _FACE_FILTER)
    return FaceFilter(**{name: _FACE_FILTER[name](name, values) for name, values in query.items()})


def read_match_policy(query: Query, policies: Collection[str]) -> str:
    """match_policy, one of the calibrated ones.

    Raises:
        InvalidParameter: another name, a name given twice, or a policy there is not.

    """
    _refuse_others(query, [MATCH_POLICY])
    values = query.get(MATCH_POLICY, [DEFAULT_MATCH_POLICY])
    if len(values) != 1 or values[0] not in policies:
        raise InvalidParameter(f"{MATCH_POLICY} must be one of {', '.join(policies)}, given once.")
    return values[0]


def _refuse_others(query: Query, known: Collection[str]) -> None:
    unknown = query.keys() - set(known)
    if unknown:
        raise InvalidParameter(f"There is no parameter {min(unknown)!r} here; there are {', '.join(known)}.")


def _number(kind: Callable[[str], float], low: float, high: float, wanted: str) -> Callable[[str, list[str]], Any]:
    def read(name: str, values: list[str]) -> float:
        try:
            (text,) = values
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise InvalidParameter(f"{name} must be {wanted} from {low} to {high}, given once.")
        return value

    return read


_FACE_FILTER = {
    "max_faces": _number(int, 1, MAX_FACES, "a whole number"),
    "min_face_size": _number(int, 0, 10_000, "a whole number of pixels"),
    "min_detection_probability": _number(float, 0, 1, "a number"),
}
