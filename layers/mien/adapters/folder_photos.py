"""Photos and answers as files, for a laptop. A photo's version is the hash of its bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.domain.errors import ImageTooLarge, Unavailable
from mien.domain.uploads import PhotoVersion
from mien.ports.photo_store import LandedPhoto, PostForm


class FolderPhotoStore:
    """A PhotoStore on one folder, in which keys are paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def version_of(self, bucket: str, key: str) -> PhotoVersion | None:
        with _unavailable():
            try:
                with self._path(key).open("rb") as file:
                    version = hashlib.file_digest(file, "sha256").hexdigest()
            except (FileNotFoundError, IsADirectoryError):
                return None
        return PhotoVersion(bucket, key, version, version)

    def read(self, photo: PhotoVersion, max_bytes: int) -> LandedPhoto | None:
        with _unavailable():
            try:
                with self._path(photo.key).open("rb") as file:
                    data = file.read(max_bytes + 1)
                    rest = hashlib.sha256(data)
                    while chunk := file.read(max_bytes):
                        rest.update(chunk)
            except FileNotFoundError:
                return None
        if rest.hexdigest() != photo.version:
            return None
        if len(data) > max_bytes:
            raise ImageTooLarge(f"The photo has more than the {max_bytes:,} bytes that are taken.")
        return LandedPhoto(data)

    def delete(self, photo: PhotoVersion) -> None:
        if self.version_of(photo.bucket, photo.key) == photo:
            with _unavailable():
                self._path(photo.key).unlink(missing_ok=True)

    def put_answer(self, key: str, answer: bytes) -> bytes:
        path = self._path(key)
        with _unavailable():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".") as file:
                file.write(answer)
                file.flush()
                os.fsync(file.fileno())
                try:
                    os.link(file.name, path)  # whole or not at all, and only where nothing is
                except FileExistsError:
                    return path.read_bytes()
        return answer

    def answer(self, key: str) -> bytes | None:
        with _unavailable():
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError:
                return None

    def post_form(self, key: str, content_type: str, size: int) -> PostForm:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, key: str) -> Path:
        path = (self._folder / key).resolve()
        if not path.is_relative_to(self._folder):
            raise Unavailable("A photo's path leads out of its folder.")
        return path


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn what the file system refuses into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable("The photos cannot be read or written.") from error
