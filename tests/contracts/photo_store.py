from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mien.domain.errors import ImageTooLarge
from mien.domain.uploads import RESULTS, PhotoVersion, upload_key
from mien.ports.photo_store import PhotoStore

Land = Callable[[str, bytes], None]

BUCKET = "photos"
KEYS = ["photo.jpg", "door/ü 1+2.jpg", "a b/c%20d/照片.png", "x" * 200]


class PhotoStoreContract:
    """Subclass and provide `photos`, an empty store, and `land`, which puts a photo there as its sender does."""

    @pytest.mark.parametrize("path", KEYS)
    def test_a_photo_is_read_as_it_landed(self, photos: PhotoStore, land: Land, path: str) -> None:
        key = upload_key("acme", path)
        land(key, b"photo")
        photo = photos.version_of(BUCKET, key)
        assert photo is not None
        assert (photo.bucket, photo.key) == (BUCKET, key)
        landed = photos.read(photo, 5)
        assert landed is not None
        assert landed.data == b"photo"

    def test_where_nothing_landed_there_is_no_version(self, photos: PhotoStore) -> None:
        assert photos.version_of(BUCKET, upload_key("acme", "photo.jpg")) is None

    def test_a_photo_over_the_limit_is_refused(self, photos: PhotoStore, land: Land) -> None:
        key = upload_key("acme", "photo.jpg")
        land(key, b"photo")
        photo = photos.version_of(BUCKET, key)
        assert photo is not None
        with pytest.raises(ImageTooLarge):
            photos.read(photo, 4)

    def test_another_photo_under_the_same_key_is_another_version(self, photos: PhotoStore, land: Land) -> None:
        key = upload_key("acme", "photo.jpg")
        land(key, b"first")
        first = photos.version_of(BUCKET, key)
        land(key, b"second")
        second = photos.version_of(BUCKET, key)
        assert first is not None
        assert second is not None
        assert first.id != second.id
        read = photos.read(first, 99)
        assert read is None or read.data == b"first"  # gone, where the store keeps no versions
        landed = photos.read(second, 99)
        assert landed is not None
        assert landed.data == b"second"

    def test_a_deleted_photo_is_gone_and_may_be_deleted_again(self, photos: PhotoStore, land: Land) -> None:
        key = upload_key("acme", "photo.jpg")
        land(key, b"photo")
        photo = photos.version_of(BUCKET, key)
        assert photo is not None
        photos.delete(photo)
        assert photos.read(photo, 99) is None
        assert photos.version_of(BUCKET, key) is None
        photos.delete(photo)

    def test_to_delete_one_version_leaves_the_next(self, photos: PhotoStore, land: Land) -> None:
        key = upload_key("acme", "photo.jpg")
        land(key, b"first")
        first = photos.version_of(BUCKET, key)
        land(key, b"second")
        second = photos.version_of(BUCKET, key)
        assert first is not None
        assert second is not None
        photos.delete(first)
        landed = photos.read(second, 99)
        assert landed is not None
        assert landed.data == b"second"

    def test_what_landed_here_is_told_from_what_is_only_read(self, photos: PhotoStore) -> None:
        assert photos.owns(PhotoVersion(BUCKET, upload_key("acme", "a.jpg"), "v", "e"))
        assert not photos.owns(PhotoVersion(BUCKET, "2019/a.jpg", "v", "e"))

    @pytest.mark.parametrize("path", KEYS)
    def test_the_first_answer_stands(self, photos: PhotoStore, path: str) -> None:
        key = f"{RESULTS}acme/{path}"
        assert photos.answer(key) is None
        assert photos.put_answer(key, b"first") == b"first"
        assert photos.put_answer(key, b"second") == b"first"
        assert photos.answer(key) == b"first"

    def test_of_many_answers_at_once_one_stands_for_all(self, photos: PhotoStore) -> None:
        key = f"{RESULTS}acme/photo.jpg.json"
        answers = [f"answer {number}".encode() * 1000 for number in range(16)]
        with ThreadPoolExecutor(8) as pool:
            stands = set(pool.map(lambda answer: photos.put_answer(key, answer), answers))
        assert stands == {photos.answer(key)}
