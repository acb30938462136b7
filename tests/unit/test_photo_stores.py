from __future__ import annotations

from pathlib import Path

import pytest

from mien.adapters.folder_photos import FolderPhotoStore
from mien.domain.errors import Unavailable
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

    def test_nothing_but_the_answer_is_left_beside_it(self, photos: PhotoStore, tmp_path: Path) -> None:
        photos.put_answer("results/a.json", b"1")
        photos.put_answer("results/a.json", b"2")
        assert [path.name for path in (tmp_path / "results").iterdir()] == ["a.json"]
