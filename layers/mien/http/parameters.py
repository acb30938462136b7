"""Query parameters. What is unknown or out of range is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mien.domain.errors import InvalidParameter
from mien.http.limits import MAX_FACES
from mien.usecases.analyse_image import FaceFilter

Query = Mapping[str, list[str]]


def read_face_filter(query: Query) -> FaceFilter:
    """max_faces, min_face_size and min_detection_probability.

    Raises:
        InvalidParameter: another name, a name given twice, or a value out of its range.

    """
    unknown = query.keys() - _PARAMETERS.keys()
    if unknown:
        raise InvalidParameter(f"There is no parameter {min(unknown)!r} here; there are {', '.join(_PARAMETERS)}.")
    return FaceFilter(**{name: _PARAMETERS[name](name, values) for name, values in query.items()})


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


_PARAMETERS = {
    "max_faces": _number(int, 1, MAX_FACES, "a whole number"),
    "min_face_size": _number(int, 0, 10_000, "a whole number of pixels"),
    "min_detection_probability": _number(float, 0, 1, "a number"),
}
