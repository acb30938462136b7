"""A short run of `make fuzz`, and that it would tell of what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.inputs import IMAGE, Input, images, joined, pieces, requests
from tests.fuzz.run import TARGET, fuzz, hand_out
from tests.fuzz.target import run

BROKEN = """
import os, time
from tests.fuzz import target

def broken(data):
    if data:
        {how}

target.decode_and_check = broken
"""


def test_a_short_run_does_no_harm(tmp_path: Path) -> None:
    report = fuzz(4, 1, tmp_path)
    assert report.harms == [], report.table()
    assert report.outcomes["image: ok"]
    assert report.outcomes["image: UndecodableImage"]
    assert report.outcomes["body: MalformedRequest"]


@pytest.mark.parametrize(
    ("how", "name"),
    [("os.abort()", "crash"), ("raise KeyError('a bug')", "KeyError"), ("time.sleep(60)", "hang")],
    ids=["dies", "raises", "hangs"],
)
def test_harm_is_told_and_saved(how: str, name: str, tmp_path: Path, monkeypatch) -> None:
    if name == "hang":
        monkeypatch.setattr("tests.fuzz.run.GIVE_UP_SECONDS", 0.5)
    broken = BROKEN.format(how=how)
    report = fuzz(0, 1, tmp_path, broken + TARGET, least=4)
    assert report.outcomes[f"image: {name}"]
    assert any(harm.startswith(name) for harm in report.harms)
    assert list(tmp_path.glob(f"{name}-*"))


def test_a_seed_makes_the_same_inputs_every_time() -> None:
    first, again, another = [], [], []
    for taken, number in ((first, 7), (again, 7), (another, 8)):
        hand_out(taken.append, number)
    assert first == again
    assert first != another


def test_what_is_changed_was_valid_and_whole_before() -> None:
    for image in images():
        assert joined(pieces(image)) == image
        assert run(Input(IMAGE, image)).name == "ok"
    for body in requests():
        assert b"".join(pieces(body.data)) == body.data
        assert run(body).name in ("ok", "MissingField")
