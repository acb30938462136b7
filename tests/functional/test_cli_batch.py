"""`mien batch`, run as a command and killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.batch import check, command, make_album, result_files, run, run_and_kill
from mien.cli.batch_folder import INTERRUPTED
from mien.cli.main import mien
from tests.conftest import PHOTOS
from tests.functional.waiting import until


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with photos beneath, one of them broken, and something that is no photo."""
    folder = tmp_path / "album"
    for place, name in {"a.jpg": "obama", "2009/b.JPG": "biden", "2009/c.jpeg": "coffee"}.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes((PHOTOS / f"{name}.jpg").read_bytes())
    (folder / "2009" / "broken.jpg").write_bytes((PHOTOS / "obama.jpg").read_bytes()[:5000])
    (folder / "notes.txt").write_text("nothing to see", encoding="utf-8")
    return folder


def batch(*arguments: object) -> Result:
    return CliRunner().invoke(mien, ["batch", *map(str, arguments)])


def bodies(results: Path) -> dict[str, dict[str, object]]:
    """Answers by the path of their photo."""
    return {
        f"{file.relative_to(results)}".rsplit(".", 2)[0]: json.loads(file.read_bytes())
        for file in results.rglob("*.json")
        if ".mien" not in file.parts
    }


def test_every_photo_has_a_result_at_its_own_path_and_failures_are_listed(album: Path) -> None:
    done = batch(album, "--jobs", 1)
    results = album.with_name("album-results")
    assert done.exit_code == 0
    assert "4 photos: 0 done before, 4 now" in done.stdout
    assert "1 failed: 1 undecodable_image" in done.stdout
    found = bodies(results)
    assert {name: body.get("face_count") for name, body in found.items()} == {
        "a.jpg": 1, "2009/b.JPG": 1, "2009/c.jpeg": 0, "2009/broken.jpg": None,
    }  # fmt: skip
    assert found["2009/broken.jpg"]["error"]["code"] == "undecodable_image"  # type: ignore[index]
    (line,) = (results / "failures.jsonl").read_text().splitlines()
    assert json.loads(line)["file"] == "2009/broken.jpg"


def test_run_again_it_does_what_is_missing_or_has_changed(album: Path, photo) -> None:
    batch(album, "--jobs", 1)
    (album / "2009" / "broken.jpg").write_bytes(photo("astronaut"))
    (album / "d.jpg").write_bytes(photo("obama2"))
    done = batch(album, "--jobs", 1)
    assert "5 photos: 3 done before, 2 now" in done.stdout
    assert "failed" not in done.stdout
    assert not (album.with_name("album-results") / "failures.jsonl").exists()


def test_one_folder_of_results_is_of_one_task(album: Path, tmp_path: Path) -> None:
    results = tmp_path / "emotions"
    assert batch(album, "--results", results, "--task", "emotion", "--jobs", 1).exit_code == 0
    assert bodies(results)["a.jpg"]["faces"][0].keys() == {"probability", "rectangle", "emotion"}  # type: ignore[index]
    refused = batch(album, "--results", results, "--jobs", 1)
    assert refused.exit_code != 0
    assert "another task" in str(refused.exception)


def test_a_policy_or_collection_that_there_is_not_is_told_before_anything_is_done(album: Path) -> None:
    for option in (("--match-policy", "fmr_1"), ("--collection", "a b"), ("--task", "guess")):
        assert batch(album, *option).exit_code == 2
    assert batch(album / "none").exit_code == 2
    assert not album.with_name("album-results").exists()


def test_what_fails_on_our_side_is_told_and_tried_again_by_the_next_run(album: Path) -> None:
    results = album.with_name("album-results")
    (album / "in the way").mkdir()
    (album / "a.jpg").rename(album / "in the way" / "a.jpg")
    results.mkdir()
    (results / "in the way").write_text("no folder", encoding="utf-8")
    done = batch(album, "--jobs", 2)
    assert done.exit_code == 1
    assert "2 failed: 1 undecodable_image, 1 bad_gateway" in done.stdout
    (results / "in the way").unlink()
    assert "4 photos: 3 done before, 1 now" in batch(album, "--jobs", 2).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="sends a signal to a process group")
def test_stopped_by_ctrl_c_it_says_how_to_go_on_and_leaves_no_process(tmp_path: Path) -> None:
    album, results = tmp_path / "album", tmp_path / "results"
    make_album(album, 90)
    process = subprocess.Popen(
        command(album, results), start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: result_files(results))
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert said.endswith("Stopped. Run it again to go on.\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert "90 photos:" in run(album, results)


@pytest.mark.skipif(sys.platform != "linux", reason="kills a process group")
def test_killed_twice_on_the_way_it_ends_with_exactly_one_result_a_photo(tmp_path: Path) -> None:
    album, results = tmp_path / "album", tmp_path / "results"
    corrupt = make_album(album, 180)
    run_and_kill(album, results, 20, with_functions=False)
    run_and_kill(album, results, 60, with_functions=True)
    assert "180 photos:" in run(album, results)
    assert check(album, results, corrupt) == {"success": 178, "undecodable_image": 2}
