from __future__ import annotations

import base64
import json
import os
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from mien.adapters.aws import client
from mien.adapters.folder_photos import FolderPhotoStore
from mien.adapters.s3_photos import S3PhotoStore
from mien.adapters.stores import open_folder, open_photos
from mien.adapters.upload_forms import VALID_FOR, Permit, UploadForms
from mien.domain.errors import ImageTooLarge, NotEnabled, Unavailable
from mien.domain.uploads import PhotoVersion, upload_key
from mien.ports.photo_store import PhotoStore
from tests.contracts.photo_store import BUCKET, Land, PhotoStoreContract
from tests.unit.conftest import OneCallAtATime


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


class Unread(nullcontext[None]):
    """A body that nobody may read."""

    def __enter__(self) -> Any:
        return self

    def read(self) -> bytes:
        pytest.fail("The body was read.")


class S3Contract(PhotoStoreContract):
    @pytest.fixture
    def bucket(self, aws: None) -> Any:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        return s3

    @pytest.fixture
    def photos(self, bucket: Any) -> S3PhotoStore:
        return S3PhotoStore(OneCallAtATime(bucket), BUCKET)

    @pytest.fixture
    def land(self, bucket: Any) -> Land:
        return lambda key, data: bucket.put_object(Bucket=BUCKET, Key=key, Body=data)

    def landed(self, photos: PhotoStore, key: str) -> PhotoVersion:
        photo = photos.version_of(BUCKET, key)
        assert photo is not None
        return photo

    def test_what_the_sender_said_of_a_photo_comes_with_it(self, photos: PhotoStore, bucket: Any) -> None:
        key = upload_key("acme", "photo.jpg")
        said = {"mien-task": "recognise", "mien-collection": "staff", "mien-match-policy": "fmr_1e-5", "camera": "x"}
        bucket.put_object(Bucket=BUCKET, Key=key, Body=b"photo", Metadata=said)
        landed = photos.read(self.landed(photos, key), 9)
        assert landed is not None
        assert landed.said == {"task": "recognise", "collection": "staff", "match_policy": "fmr_1e-5"}

    def test_of_a_photo_over_the_limit_no_byte_is_read(self, photos: PhotoStore, bucket: Any, land: Land) -> None:
        land(key := upload_key("acme", "photo.jpg"), b"photo")
        photo = self.landed(photos, key)
        bucket.meta.events.register("after-call.s3.GetObject", lambda parsed, **_: parsed.update(Body=Unread()))
        with pytest.raises(ImageTooLarge):
            photos.read(photo, 4)

    def test_photos_of_another_bucket_are_only_read(self, photos: PhotoStore) -> None:
        assert not photos.owns(PhotoVersion("archive", upload_key("acme", "a.jpg"), "v", "e"))

    def test_a_bucket_that_refuses_is_unavailable(self, photos: PhotoStore) -> None:
        with pytest.raises(Unavailable):
            photos.read(PhotoVersion("nowhere", "uploads/acme/a.jpg", "e", "e"), 9)


class TestS3PhotoStoreWithVersions(S3Contract):
    @pytest.fixture
    def bucket(self, aws: None) -> Any:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        return s3

    def test_a_photo_is_read_after_another_came_under_its_key(self, photos: PhotoStore, land: Land) -> None:
        land(key := upload_key("acme", "photo.jpg"), b"first")
        first = self.landed(photos, key)
        land(key, b"second")
        landed = photos.read(first, 9)
        assert landed is not None
        assert landed.data == b"first"

    def test_to_delete_a_photo_leaves_nothing_of_it(self, photos: PhotoStore, bucket: Any, land: Land) -> None:
        land(key := upload_key("acme", "photo.jpg"), b"photo")
        photos.delete(self.landed(photos, key))
        assert "Versions" not in bucket.list_object_versions(Bucket=BUCKET)
        assert "DeleteMarkers" not in bucket.list_object_versions(Bucket=BUCKET)

    def test_a_photo_that_its_sender_deleted_is_gone(self, photos: PhotoStore, bucket: Any, land: Land) -> None:
        land(key := upload_key("acme", "photo.jpg"), b"photo")
        bucket.delete_object(Bucket=BUCKET, Key=key)
        assert photos.version_of(BUCKET, key) is None


class TestS3PhotoStoreWithoutVersions(S3Contract):
    """A bucket of somebody's own, with a back catalogue."""


class TestS3PhotoStoreWithVersionsSuspended(S3Contract):
    @pytest.fixture
    def bucket(self, aws: None) -> Any:
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
        return s3


def test_a_form_lets_in_one_photo_of_this_size_and_type_under_this_key(aws: None) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    form = S3PhotoStore(client("s3"), BUCKET, lambda: now).post_form("uploads/acme/1", "image/jpeg", 5_000_000)
    assert form.url == "https://photos.s3.eu-central-1.amazonaws.com/"
    assert form.fields.items() >= {"key": "uploads/acme/1", "Content-Type": "image/jpeg"}.items()
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    for condition in (
        {"bucket": BUCKET},
        {"key": "uploads/acme/1"},
        {"Content-Type": "image/jpeg"},
        ["content-length-range", 5_000_000, 5_000_000],
    ):
        assert condition in policy["conditions"]
    assert (form.expires_at - now).total_seconds() == 900


def test_an_address_names_the_bucket(aws: None) -> None:
    photos = open_photos("s3:photos")
    assert isinstance(photos, S3PhotoStore)
    photos.close()
