"""The figures that written pages show, made from the measurements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

_BEGIN, _END = "<!-- made by make documents -->", "<!-- to here -->"

# What a reader asks, and the measurement that answers it: task, measure, data.
HEADLINES = (
    ("faces of 24 to 64 px found in crowds", "detection", "recall, faces of 24 to 64 px", "crowds"),
    ("photos without a face in which one is seen", "detection", "photos without faces hit", "no_face"),
    ("two photos, one person or two (LFW)", "embedding", "verification accuracy", "LFW, folds 1 to 3"),
    (
        "strangers named, of 450 people enrolled",
        "embedding",
        "strangers named (FPIR) at fmr_1e-4",
        "LFW, folds 1 to 3, 450 people enrolled with one photo",
    ),
    ("age, off by so many years (FairFace)", "age_gender", "age, mean absolute error, years", "fairface"),
    ("gender as labelled (FairFace)", "age_gender", "gender", "fairface"),
    (
        "expression as labelled, each of the seven alike (FER2013)",
        "expression",
        "accuracy, class-balanced",
        "fer2013_validation",
    ),
    ("the same on everyday photos", "expression", "accuracy, class-balanced", "news"),
    ("live people refused as spoofs (press photos)", "liveness", "live people refused (BPCER)", "news, every second"),
)

TAKEN_FOR = " taken for "
"""Between two sentiments, in the name of the measure that says how often one is named where the other is labelled."""

_CALLED = {"uploads": "uploads, of a batch without a photo"}


def is_confusion(figure: dict[str, Any]) -> bool:
    """Whether a figure is of one sentiment taken for another; there are many, and they make a table of their own."""
    return TAKEN_FOR in figure["measure"]


def confusions(figures: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A table with a row for each label and a column for each name, of the figures on one set of data; nothing where
    none of them is of that.
    """
    shares = {tuple(f["measure"].split(TAKEN_FOR)): f["value"] for f in figures if is_confusion(f)}
    kinds = list(dict.fromkeys(label for label, _ in shares))
    if kinds:
        yield "\nOf those who are labelled as the row says, the share that is named as the column says:\n"
        yield f"| labelled | {' | '.join(kinds)} |"
        yield f"|---|{'---|' * len(kinds)}"
    for label in kinds:
        right = 1 - sum(shares[label, other] for other in kinds if other != label)
        cells = [f"**{right:.2f}**" if name == label else f"{shares[label, name]:.2f}" for name in kinds]
        yield f"| {label} | {' | '.join(cells)} |"


def with_figures(readme: str, figures: list[dict[str, Any]]) -> str:
    """The README with its table of figures as they are now.

    Raises:
        ValueError: it has no place for them, or a measurement is missing.

    """
    rows = [f"| {what} | {_value(_measured(figures, *wanted))} |" for what, *wanted in HEADLINES]
    return _placed(readme, ["| | measured, with its 95 % interval |", "|---|---|", *rows])


def with_images(page: str, functions: dict[str, dict[str, float]]) -> str:
    """The page about the images with its table of what they hold as it is now.

    Raises:
        ValueError: it has no place for it.

    """
    rows = [
        f"| {_CALLED.get(name, name)} | {of['added_mb']:.0f} | {of['networks_mb']:.0f} | {of['memory_mb']:.0f} |"
        for name, of in functions.items()
    ]
    return _placed(
        page,
        ["| function | MB added to the base | of them networks | MB of memory, at most |", "|---|---|---|---|", *rows],
    )


def _placed(page: str, table: list[str]) -> str:
    pattern = re.compile(f"{re.escape(_BEGIN)}\n.*?{re.escape(_END)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError("The page has no place for figures.")
    text = "\n".join([_BEGIN, *table, _END])
    return pattern.sub(lambda _: text, page)


def _measured(figures: list[dict[str, Any]], task: str, measure: str, data: str) -> dict[str, Any]:
    for figure in figures:
        if (figure["task"], figure["measure"], figure["data"]) == (task, measure, data):
            return figure
    raise ValueError(f"{task}, {measure} on {data} is not measured.")


def _value(figure: dict[str, Any]) -> str:
    value, low, high = figure["value"], figure["low"], figure["high"]
    if "years" in figure["measure"]:
        return f"{value:.1f} ({low:.1f} to {high:.1f})"
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
