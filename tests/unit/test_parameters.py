from __future__ import annotations

import pytest

from mien.domain.errors import InvalidParameter
from mien.domain.face_filter import FaceFilter
from mien.http.parameters import read_face_filter, refuse_others
from mien.http.routes import FACE_FILTER


def test_no_parameters_mean_the_defaults() -> None:
    assert read_face_filter({}) == FaceFilter(max_faces=100, min_face_size=0, min_detection_probability=None)


def test_parameters_are_read() -> None:
    query = {"max_faces": ["3"], "min_face_size": ["40"], "min_detection_probability": ["0.75"]}
    assert read_face_filter(query) == FaceFilter(3, 40, 0.75)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_faces", "0"),
        ("max_faces", "-1"),
        ("max_faces", "1.5"),
        ("max_faces", ""),
        ("max_faces", "many"),
        ("max_faces", "9999999999999"),
        ("min_face_size", "-1"),
        ("min_detection_probability", "nan"),
        ("min_detection_probability", "1.01"),
        ("min_detection_probability", "inf"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidParameter, match=name):
        read_face_filter({name: [value]})


def test_an_unknown_parameter_is_refused_not_ignored() -> None:
    with pytest.raises(InvalidParameter, match="max_face"):
        refuse_others({"max_face": ["1"]}, FACE_FILTER)


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="once"):
        read_face_filter({"max_faces": ["1", "2"]})
