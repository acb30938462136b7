"""`mien analyze`, run as a command."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result

from mien import __version__
from mien.cli.main import mien


@pytest.fixture
def album(tmp_path: Path, photo) -> Path:
    """A folder with photos, a broken one, and something that is no photo."""
    folder = tmp_path / "album"
    (folder / "2009").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photo("astronaut"))
    (folder / "2009" / "b.JPG").write_bytes(photo("biden"))
    (folder / "c.jpeg").write_bytes(photo("coffee"))
    (folder / "notes.txt").write_text("nothing to see", encoding="utf-8")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(mien, ["analyze", *map(str, arguments)])


def lines(result: Result) -> dict[str, dict[str, object]]:
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return {Path(row["file"]).name: row for row in rows}


def test_a_folder_gives_a_json_line_for_each_photo_beneath(album: Path) -> None:
    result = run(album)
    rows = lines(result)
    assert result.exit_code == 0
    assert rows.keys() == {"a.jpg", "b.JPG", "c.jpeg"}
    assert {name: row["face_count"] for name, row in rows.items()} == {"a.jpg": 1, "b.JPG": 1, "c.jpeg": 0}
    assert rows["a.jpg"]["faces"][0]["expression"] == "happy"  # type: ignore[index]


def test_one_bad_file_does_not_stop_the_rest_and_the_exit_code_tells(album: Path, photo) -> None:
    (album / "b0.jpg").write_bytes(photo("obama")[:5000])
    result = run(album, album / "missing.jpg", album / "notes.txt")
    rows = lines(result)
    assert result.exit_code == 1
    assert len(rows) == 6
    assert rows["b0.jpg"]["error"]["code"] == "undecodable_image"  # type: ignore[index]
    assert "No such file" in rows["missing.jpg"]["error"]["message"]  # type: ignore[index]
    assert rows["notes.txt"]["error"]["code"] == "unsupported_image"  # type: ignore[index]
    assert rows["b.JPG"]["face_count"] == 1


def test_a_table_is_for_reading(album: Path) -> None:
    result = run("--table", album)
    assert result.exit_code == 0
    assert "no face" in result.stdout
    assert "female" in result.stdout
    assert "{" not in result.stdout


def test_faces_are_drawn_into_copies(album: Path, tmp_path: Path) -> None:
    assert run("--draw", tmp_path / "drawn", album / "a.jpg").exit_code == 0
    before, after = (cv2.imread(str(path)) for path in (album / "a.jpg", tmp_path / "drawn" / "a.jpg"))
    assert after.shape == before.shape
    assert (cv2.absdiff(before, after) > 100).any()


def test_photos_of_one_name_are_drawn_into_copies_of_their_own(album: Path, tmp_path: Path, photo) -> None:
    (album / "2009" / "a.jpg").write_bytes(photo("obama"))
    run("--draw", tmp_path / "drawn", album)
    drawn = {str(path.relative_to(tmp_path / "drawn")) for path in (tmp_path / "drawn").rglob("*.*")}
    assert drawn == {"a.jpg", "c.jpeg", "2009/a.jpg", "2009/b.JPG"}


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "no photos" in result.stderr.lower()


def test_missing_models_say_what_to_do(album: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path))
    result = run(album)
    assert result.exit_code != 0
    assert "make models" in str(result.exception)


def test_the_version_is_told() -> None:
    assert __version__ in CliRunner().invoke(mien, ["--version"]).stdout
