from __future__ import annotations

from collections import Counter

from bench.labelled import Part, part_of


def test_nine_tenths_of_a_training_set_are_for_training_and_the_rest_is_shared() -> None:
    parts = Counter(part_of(row) for row in range(2000))
    assert parts == {Part.TRAINING: 1800, Part.CALIBRATION: 100, Part.CHOOSING: 100}
