"""`mien faces`, run as a command on a store of its own, with real people's photos."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mien.adapters.sqlite_gallery import SqliteGallery
from mien.cli.main import mien
from mien.domain.gallery import GalleryId
from mien.vision import embedder

HERE = GalleryId("demo", "default")


@pytest.fixture
def people(tmp_path: Path, photo) -> Path:
    """A folder of people: two subfolders, a single photo, one without a face, and something that is no photo."""
    folder = tmp_path / "people"
    photos = {
        "barack/1.jpg": "obama", "barack/2.JPG": "obama2", "barack/screen.jpg": "coffee", "joe/joe.jpg": "biden",
        "mae.jpg": "astronaut", "nobody/cup.jpg": "coffee",
    }  # fmt: skip
    for place, name in photos.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(photo(name))
    (folder / "notes.txt").write_text("nothing to see", encoding="utf-8")
    (folder / "empty").mkdir()
    return folder


class Faces:
    def __init__(self, store: Path) -> None:
        self.store = store

    def __call__(self, *arguments: object, options: tuple[str, ...] = ()) -> Result:
        command = ["faces", "--store", f"sqlite:{self.store}", *options, *map(str, arguments)]
        return CliRunner().invoke(mien, command)

    def uids(self, **options: Any) -> set[str]:
        return set(rows(self("list", **options)))


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["uid"]: row for row in map(json.loads, result.stdout.splitlines())}


@pytest.fixture
def faces(tmp_path: Path) -> Faces:
    return Faces(tmp_path / "mien.sqlite")


def test_a_folder_is_enrolled_one_subfolder_or_photo_a_person(faces: Faces, people: Path) -> None:
    result = faces("enrol", people)
    told = rows(result)
    assert result.exit_code == 1
    assert told["barack"] == {
        "uid": "barack",
        "status": "enrolled",
        "faces": 2,
        "rejected": [{"photo": "screen.jpg", "reason": "no_face"}],
    }
    assert told["joe"]["status"] == told["mae"]["status"] == "enrolled"
    assert told["nobody"]["status"] == "no_face"
    assert told.keys() == {"barack", "joe", "mae", "nobody"}
    listed = rows(faces("list"))
    assert {uid: row["faces"] for uid, row in listed.items()} == {"barack": 2, "joe": 1, "mae": 1}
    assert listed["joe"]["model"].startswith("faceplugin-embedding@")


def test_a_run_that_was_broken_off_goes_on_where_it_was(faces: Faces, people: Path) -> None:
    (people / "nobody" / "cup.jpg").unlink()
    (people / "joe").rename(people.parent / "joe")
    assert faces("enrol", people).exit_code == 0
    (people.parent / "joe").rename(people / "joe")
    again = rows(faces("enrol", people))
    assert {uid: row["status"] for uid, row in again.items()} == {
        "barack": "already_registered",
        "joe": "enrolled",
        "mae": "already_registered",
    }


def test_faces_can_be_replaced(faces: Faces, people: Path) -> None:
    faces("enrol", people)
    (people / "barack" / "2.JPG").unlink()
    assert rows(faces("enrol", "--replace", people))["barack"]["faces"] == 1
    assert rows(faces("list"))["barack"]["faces"] == 1


@pytest.mark.parametrize("name", ["unknown", "é", " x"])
def test_a_folder_whose_name_can_be_no_uid_is_told(faces: Faces, tmp_path: Path, photo, name: str) -> None:
    (tmp_path / "some" / name).mkdir(parents=True)
    (tmp_path / "some" / name / "p.jpg").write_bytes(photo("obama"))
    result = faces("enrol", tmp_path / "some")
    assert result.exit_code == 1
    assert rows(result)[name]["status"] == "invalid_parameter"


def test_more_photos_than_a_person_may_have_are_left_out_and_counted(faces: Faces, tmp_path: Path, photo) -> None:
    (tmp_path / "some" / "barack").mkdir(parents=True)
    for number in range(22):
        (tmp_path / "some" / "barack" / f"{number:02}.jpg").write_bytes(photo("obama"))
    told = rows(faces("enrol", tmp_path / "some"))["barack"]
    assert (told["faces"], told["left_out"]) == (20, 2)


def test_people_can_be_kept_for_some_days_only(faces: Faces, people: Path) -> None:
    faces("enrol", people, "--retention-days", 7)
    row = rows(faces("list"))["mae"]
    assert row["created_at"][:8] != row["expires_at"]
    assert row["expires_at"] > row["created_at"]


def test_deleted_people_are_gone_and_the_log_says_who_did_it(faces: Faces, people: Path) -> None:
    faces("enrol", people)
    result = faces("delete", "barack", "nobody-at-all")
    assert result.exit_code == 1
    assert rows(result)["barack"] == {"uid": "barack", "status": "deleted", "faces": 2}
    assert rows(result)["nobody-at-all"]["status"] == "not_found"
    assert faces.uids() == {"joe", "mae"}
    log = [json.loads(line) for line in faces("log").stdout.splitlines()]
    assert [(row["action"], row["uid"], row["faces"], row["by"]) for row in log[-1:]] == [
        ("deleted", "barack", 2, "operator")
    ]
    assert rows(faces("enrol", people))["barack"]["status"] == "enrolled"


def test_what_is_exported_is_all_that_is_kept_and_can_be_imported(faces: Faces, people: Path, tmp_path: Path) -> None:
    faces("enrol", people)
    assert faces("export", "-o", tmp_path / "all.jsonl").exit_code == 0
    lines = {row["uid"]: row for row in map(json.loads, (tmp_path / "all.jsonl").read_text().splitlines())}
    assert lines.keys() == {"barack", "joe", "mae"}
    barack = lines["barack"]
    assert len(base64.b64decode(barack["templates"])) == 2 * 516
    assert len(barack["face_ids"]) == 2
    assert [entry["action"] for entry in barack["log"]] == ["registered"]
    other = Faces(tmp_path / "other.sqlite")
    assert {row["status"] for row in rows(other("import", tmp_path / "all.jsonl")).values()} == {"imported"}
    assert {row["status"] for row in rows(other("import", tmp_path / "all.jsonl")).values()} == {"already_registered"}
    assert rows(other("list")) == rows(faces("list"))
    once, twice = (f("export", "joe").stdout for f in (faces, other))
    assert json.loads(once)["templates"] == json.loads(twice)["templates"]


@pytest.mark.parametrize("line", ["text", "{}", "[]", '{"format":1,"uid":"a"}', "null", '{"uid":5}'])
def test_a_line_that_is_no_export_is_told_and_does_not_stop_the_rest(
    faces: Faces, people: Path, tmp_path: Path, line: str
) -> None:
    faces("enrol", people)
    good = faces("export", "mae").stdout
    (tmp_path / "some.jsonl").write_text(f"{line}\n\n{good}", encoding="utf-8")
    other = Faces(tmp_path / "other.sqlite")
    result = other("import", tmp_path / "some.jsonl")
    assert result.exit_code == 1
    assert "malformed_request" in result.stdout
    assert other.uids() == {"mae"}


@pytest.mark.parametrize("change", [{"uid": "unknown"}, {"face_ids": []}, {"templates": "AAA"}, {"format": 2}])
def test_a_tampered_line_is_refused(faces: Faces, people: Path, tmp_path: Path, change: dict[str, object]) -> None:
    faces("enrol", people)
    row = json.loads(faces("export", "mae").stdout) | change
    (tmp_path / "some.jsonl").write_text(json.dumps(row), encoding="utf-8")
    other = Faces(tmp_path / "other.sqlite")
    assert other("import", tmp_path / "some.jsonl").exit_code == 1
    assert other.uids() == set()


def test_after_a_change_of_model_people_are_moved_over_from_photos(
    faces: Faces, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(embedder, "embedding_space", lambda _: "an-older-model@00000000")
        faces("enrol", people)
    was = rows(faces("list"))
    assert {row["model"] for row in was.values()} == {"an-older-model@00000000"}
    (people / "mae.jpg").unlink()
    result = faces("reembed", people)
    assert result.exit_code == 1
    told = rows(result)
    assert told["barack"]["status"] == told["joe"]["status"] == "enrolled"
    assert told["mae"]["status"] == "no_face"
    now = rows(faces("list"))
    assert now["mae"] == was["mae"]
    assert now["joe"]["model"] != was["joe"]["model"]
    assert now["joe"]["created_at"] == was["joe"]["created_at"]
    assert list(rows(faces("reembed", people))) == ["mae"]


def test_tenants_and_collections_are_apart(faces: Faces, people: Path) -> None:
    faces("enrol", people)
    for options in (("--tenant", "other"), ("--collection", "other")):
        assert faces.uids(options=options) == set()
        assert faces("delete", "mae", options=options).exit_code == 1
        assert faces("export", "mae", options=options).exit_code != 0
    assert faces("list", options=("--collection", "a b")).exit_code == 2


def test_the_store_that_the_server_uses_is_the_one_that_is_written(faces: Faces, people: Path) -> None:
    faces("enrol", people)
    store = SqliteGallery(faces.store)
    assert store.find(HERE, "mae") is not None
    store.close()


def test_an_empty_folder_is_told(faces: Faces, tmp_path: Path) -> None:
    result = faces("enrol", tmp_path)
    assert result.exit_code == 1
    assert "no photos" in result.stderr
