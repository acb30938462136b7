"""Who is taken for whom is a table of its own."""

from __future__ import annotations

from typing import Any

from models.builder.figures import TAKEN_FOR, confusions, is_confusion


def figure(measure: str, value: float) -> dict[str, Any]:
    return {"task": "expression", "measure": measure, "data": "news", "value": value}


SHARES = {("sad", "happy"): 0.25, ("sad", "angry"): 0.125, ("happy", "sad"): 0.0, ("happy", "angry"): 0.5}
SHARES |= {("angry", "sad"): 0.0, ("angry", "happy"): 1.0}
CONFUSED = [figure(f"{label}{TAKEN_FOR}{name}", share) for (label, name), share in SHARES.items()]


def test_a_row_is_a_label_and_what_is_right_stands_in_the_diagonal() -> None:
    assert list(confusions(CONFUSED))[1:] == [
        "| labelled | sad | happy | angry |",
        "|---|---|---|---|",
        "| sad | **0.62** | 0.25 | 0.12 |",
        "| happy | 0.00 | **0.50** | 0.50 |",
        "| angry | 0.00 | 1.00 | **0.00** |",
    ]


def test_other_figures_are_not_in_it() -> None:
    other = figure("recall, sad", 0.6)
    assert not is_confusion(other)
    assert list(confusions([*CONFUSED, other])) == list(confusions(CONFUSED))
    assert list(confusions([other])) == []
