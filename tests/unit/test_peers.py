import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.peers import environments
from bench.peers.asking import About, Answer, PeerFailed, PeerProcess, read_about, read_answer
from bench.peers.measuring import CALLS_A_TURN, WARM_UP_TURNS, figures, measure
from bench.peers.table import ANALYTICS, HEADINGS, RECOGNITION, rows

COUNTS_BYTES = """
from bench.peers.answering import serve
serve({"version": "1.2", "backend": "none", "model_bytes": 7}, lambda jpeg: jpeg, len)
"""
FAILS = "import sys; sys.exit('ValueError: no such network')"
FAILS_WHEN_ASKED = """
print('{"version": "1", "backend": "b", "model_bytes": 0}', flush=True)
input()
raise KeyError("landmarks")
"""


def peer(code: str, folder: Path) -> PeerProcess:
    return PeerProcess([sys.executable, "-c", code], folder / "peer.log")


ABOUT = About("1", "none", 0)


@dataclass
class Scripted:
    """A system that finds these numbers of faces, one after the other; None is a failure."""

    faces: Iterator[int | None]
    about: About = ABOUT
    asked: list[Path] = field(default_factory=list)

    def ask(self, photo: Path) -> Answer:
        self.asked.append(photo)
        found = next(self.faces)
        if found is None:
            raise PeerFailed("It ended.")
        return Answer(found, float(len(self.asked)), 1.0, 0.5)


def steady(faces: int) -> Scripted:
    return Scripted(iter([faces] * 100))


def test_a_peer_says_what_it_is_and_answers_for_each_photo(tmp_path: Path) -> None:
    photo = tmp_path / "a photo.jpg"
    photo.write_bytes(b"12345")
    with closing(peer(COUNTS_BYTES, tmp_path)) as process:
        first, second = process.ask(photo), process.ask(photo)
    assert process.about == About("1.2", "none", 7)
    assert (first.faces, second.faces) == (5, 5)
    assert first.ms >= first.decode_ms >= 0


def test_what_a_library_prints_while_it_analyses_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"12")
    chatty = COUNTS_BYTES.replace("len)", "lambda j: print(j) or len(j))")
    with closing(peer(chatty, tmp_path)) as process:
        assert process.ask(tmp_path / "photo.jpg").faces == 2
    assert "b'12'" in (tmp_path / "peer.log").read_text()


def test_a_peer_that_does_not_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PeerFailed, match=r"ValueError: no such network.*peer\.log.*run `make bench-peers` again"):
        peer(FAILS, tmp_path)


def test_a_peer_that_ends_while_it_is_asked_says_why(tmp_path: Path) -> None:
    with closing(peer(FAILS_WHEN_ASKED, tmp_path)) as process, pytest.raises(PeerFailed, match="KeyError: 'landmarks'"):
        process.ask(tmp_path / "photo.jpg")


@pytest.mark.parametrize("read", [read_about, read_answer])
@pytest.mark.parametrize("line", ["hello\n", "7\n", "{}\n", '{"faces": [], "ms": 1, "cpu_ms": 1, "decode_ms": 1}\n'])
def test_what_cannot_be_read_is_a_failure_that_quotes_it(read: Callable[[str], object], line: str) -> None:
    with pytest.raises(PeerFailed, match=re.escape(repr(line.strip()))):
        read(line)


def test_a_peer_is_set_up_once_for_its_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(environments, "HOME", tmp_path)
    monkeypatch.setattr(environments, "_run", lambda command, folder: ran.append(command))
    assert environments.python_of("dlib") == environments.python_of("dlib") == tmp_path / "dlib" / "bin" / "python"
    assert len(ran) == 2  # the environment, then its packages
    assert environments.node_packages() == environments.node_packages() == tmp_path / "node" / "node_modules"
    assert len(ran) == 3


def test_a_set_up_that_fails_says_why_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "npm").write_text(
        "#!/bin/sh\necho npm error code ENOTFOUND >&2\necho npm error a log is kept >&2\nexit 1\n"
    )
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(environments, "HOME", tmp_path)
    for _ in range(2):
        with pytest.raises(PeerFailed, match=r"set up\. npm error code ENOTFOUND .*node\.log"):
            environments.node_packages()


def test_systems_take_turns_and_warm_up() -> None:
    systems = {"one": steady(1), "two": steady(1)}
    failures: dict[str, str] = {}
    answers = measure(systems, {"photo": Path("photo.jpg")}, 2, failures)
    warm_ups, timed = WARM_UP_TURNS * CALLS_A_TURN, 2 * CALLS_A_TURN
    assert not failures
    assert [answer.ms for answer in answers["photo", "one"]] == list(range(warm_ups + 1, warm_ups + timed + 1))
    assert len(systems["two"].asked) == warm_ups + timed


def test_a_peer_that_fails_is_asked_no_more_and_the_others_go_on() -> None:
    broken, sound = Scripted(iter([1, 1, None])), steady(1)
    failures: dict[str, str] = {}
    answers = measure({"broken": broken, "sound": sound}, {"photo": Path("photo.jpg")}, 1, failures)
    assert failures == {"broken": "It ended."}
    assert len(broken.asked) == 3
    assert len(answers["photo", "sound"]) == CALLS_A_TURN


def test_answers_that_change_for_one_photo_are_a_failure() -> None:
    failures: dict[str, str] = {}
    measure({"caching": Scripted(iter([1, 0, 0]))}, {"photo": Path("photo.jpg")}, 1, failures)
    assert "0 or 1 faces in the same photo" in failures["caching"]


def test_figures_are_medians_over_calls() -> None:
    answers = [Answer(2, ms, ms - 4, decode_ms) for ms, decode_ms in ((10, 1), (30, 5), (20, 3))]
    assert figures(answers) == {"faces": 2, "median_ms": 20, "cpu_ms": 16, "p95_ms": 29, "decode_ms": 3}


def test_a_row_has_the_ratio_to_each_of_mien_s_answers_and_failures_have_one_too() -> None:
    def system(work: str) -> dict[str, object]:
        return {"version": "1", "backend": "b", "work": work, "model_bytes": 1_500_000}

    def times(cpu_ms: float) -> dict[str, float]:
        return {"faces": 1, "median_ms": cpu_ms + 1, "cpu_ms": cpu_ms, "p95_ms": cpu_ms + 2, "decode_ms": 3}

    measured = {
        "systems": {ANALYTICS: system("all"), RECOGNITION: system("more"), "peer": system("mesh"), "fell": system("x")},
        "photos": {"one face": {ANALYTICS: times(20), RECOGNITION: times(25), "peer": times(100)}},
        "failures": {"fell": "It ended."},
    }
    table = list(rows(measured))
    assert ("one face", "peer", "mesh", "1", "101.0", "102.0", "3.0", "100.0", "5.0", "4.0", "1.5") in table
    assert table[-1][:3] == ("", "fell", "It ended.")
    assert {len(row) for row in table} == {len(HEADINGS)}
    assert len(table) == 4
