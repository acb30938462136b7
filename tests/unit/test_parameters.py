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


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), (".5", 0.5), ("0.25", 0.25), ("1", 1.0), ("5e-1", 0.5)])
def test_a_share_may_be_written_in_every_usual_way(text: str, value: float) -> None:
    assert read_face_filter({"min_detection_probability": [text]}).min_detection_probability == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_faces", "0"),
        ("max_faces", "-1"),
        ("max_faces", "1.5"),
        ("max_faces", ""),
        ("max_faces", "many"),
        ("max_faces", "9999999999999"),
        ("max_faces", "1_0"),
        ("max_faces", " 5"),
        ("max_faces", "٣"),
        ("min_face_size", "-1"),
        ("min_detection_probability", "nan"),
        ("min_detection_probability", "1.01"),
        ("min_detection_probability", "inf"),
        ("min_detection_probability", "0_0.5"),
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
