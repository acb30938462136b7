from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.stores import open_folder, open_photos
from mien.adapters.upload_forms import VALID_FOR, Permit, UploadForms
from mien.domain.errors import NotEnabled, Unavailable
from mien.ports.photo_store import PhotoStore
from tests.contracts.photo_store import BUCKET, Land, PhotoStoreContract


class TestFolderPhotoStore(PhotoStoreContract):
    @pytest.fixture
    def photos(self, tmp_path: Path) -> FolderPhotoStore:
        return FolderPhotoStore(tmp_path)

    @pytest.fixture
    def land(self, tmp_path: Path) -> Land:
        def land(key: str, data: bytes) -> None:
            path = tmp_path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

        return land

    def test_no_key_leads_out_of_the_folder(self, photos: PhotoStore) -> None:
        with pytest.raises(Unavailable):
            photos.version_of(BUCKET, "uploads/../../etc/passwd")

    def test_a_link_is_its_owners_and_leads_where_it_will(self, tmp_path: Path) -> None:
        camera = tmp_path / "camera"
        camera.mkdir()
        (camera / "photo.jpg").write_bytes(b"photo")
        (tmp_path / "store" / "uploads").mkdir(parents=True)
        (tmp_path / "store" / "uploads" / "acme").symlink_to(camera)
        assert FolderPhotoStore(tmp_path / "store").version_of(BUCKET, "uploads/acme/photo.jpg") is not None

    def test_nothing_but_the_answer_is_left_beside_it(self, photos: PhotoStore, tmp_path: Path) -> None:
        photos.put_answer("results/a.json", b"1")
        photos.put_answer("results/a.json", b"2")
        assert [path.name for path in (tmp_path / "results").iterdir()] == ["a.json"]


URL = "http://127.0.0.1:8000/uploads"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "uploads/acme/0f"


def write(file: Path, age: timedelta = timedelta(0)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"data")
    os.utime(file, times=((NOW - age).timestamp(),) * 2)
    return file


def test_a_photo_that_is_being_written_is_not_there_until_it_is_whole(tmp_path: Path) -> None:
    photos = FolderPhotoStore(tmp_path)
    landing = photos.landing(KEY)
    landing.write(b"pho")
    assert photos.version_of(BUCKET, KEY) is None
    landing.write(b"to")
    landing.finish()
    landing.abandon()  # too late to matter
    assert (tmp_path / KEY).read_bytes() == b"photo"
    other = photos.landing(KEY)
    other.write(b"rubbish")
    other.abandon()
    assert [path.read_bytes() for path in (tmp_path / KEY).parent.iterdir()] == [b"photo"]


def test_what_is_old_is_tidied_away_and_photos_are_not(tmp_path: Path) -> None:
    photos, day = FolderPhotoStore(tmp_path), timedelta(days=1)
    old, new = (write(tmp_path / "results" / name, age) for name, age in (("a.json", 3 * day), ("b/c.json", day)))
    left, writing = (write(tmp_path / "uploads" / f".mien-{age.days}", age) for age in (day, 0 * day))
    photo = write(tmp_path / "uploads" / "photo.jpg", 9 * day)
    photos.tidy(None, NOW - day / 2)
    assert [file.exists() for file in (old, new, left, writing, photo)] == [True, True, False, True, True]
    photos.tidy(NOW - 2 * day, NOW - day / 2)
    assert [file.exists() for file in (old, new, writing, photo)] == [False, True, True, True]


class TestForms:
    @pytest.fixture
    def forms(self, tmp_path: Path) -> UploadForms:
        return UploadForms(tmp_path / "secret", URL, lambda: NOW)

    def test_a_form_is_known_again_by_another_process(self, forms: UploadForms, tmp_path: Path) -> None:
        form = forms.sign(KEY, "image/jpeg", 5)
        assert (form.url, form.expires_at) == (URL, NOW + VALID_FOR)
        assert form.fields["key"] == KEY
        other = UploadForms(tmp_path / "secret", "", lambda: NOW)
        assert other.permit(form.fields) == Permit(KEY, "image/jpeg", 5, (NOW + VALID_FOR).timestamp())
        assert (tmp_path / "secret").stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"key": "uploads/other/0f"},
            {"Content-Type": "text/html"},
            {"signature": "0" * 64},
            {"signature": "ü"},
            {"policy": "e30="},
            {"policy": "\ud800"},
            {"key": None},
            {"policy": None},
            {"signature": None},
        ],
    )
    def test_a_form_that_was_changed_is_none(self, forms: UploadForms, change: dict[str, str | None]) -> None:
        fields = {**forms.sign(KEY, "image/jpeg", 5).fields, **change}
        assert forms.permit({name: value for name, value in fields.items() if value is not None}) is None

    def test_a_form_expires(self, forms: UploadForms, tmp_path: Path) -> None:
        fields = forms.sign(KEY, "image/jpeg", 5).fields
        secret = tmp_path / "secret"
        assert UploadForms(secret, URL, lambda: NOW + VALID_FOR - timedelta(seconds=1)).permit(fields) is not None
        assert UploadForms(secret, URL, lambda: NOW + VALID_FOR).permit(fields) is None

    def test_a_form_of_another_laptop_is_none(self, forms: UploadForms, tmp_path: Path) -> None:
        other = UploadForms(tmp_path / "other", URL, lambda: NOW)
        assert forms.permit(other.sign(KEY, "image/jpeg", 5).fields) is None

    def test_there_are_forms_where_a_server_listens(self, tmp_path: Path) -> None:
        with pytest.raises(NotEnabled):
            open_photos(f"folder:{tmp_path}").post_form(KEY, "image/jpeg", 5)
        form = open_photos(f"folder:{tmp_path}#{URL}").post_form(KEY, "image/jpeg", 5)
        assert form.url == URL
        assert open_folder(f"{tmp_path}#{URL}").permit(form.fields) is not None
        assert open_folder(str(tmp_path)).permit(form.fields) is None
