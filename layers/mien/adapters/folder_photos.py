"""Photos and answers as files, for a laptop. A photo's version is the hash of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

from mien.adapters.files import TEMPORARY, NewFile, write_once
from mien.adapters.upload_forms import Permit, UploadForms
from mien.domain.errors import ImageTooLarge, NotEnabled, Unavailable
from mien.domain.uploads import RESULTS, UPLOADS, PhotoVersion
from mien.ports.photo_store import LandedPhoto, PostForm


class FolderPhotoStore:
    """A PhotoStore on one folder, in which keys are paths; `forms` are for those who post photos."""

    def __init__(self, folder: Path, forms: UploadForms | None = None) -> None:
        self._folder, self._forms = folder.resolve(), forms

    @property
    def uploads(self) -> Path:
        """Where photos land."""
        return self._folder / UPLOADS

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

    def owns(self, photo: PhotoVersion) -> bool:
        return photo.key.startswith(UPLOADS)

    def delete(self, photo: PhotoVersion) -> None:
        if self.version_of(photo.bucket, photo.key) == photo:
            with _unavailable():
                self._path(photo.key).unlink(missing_ok=True)

    def put_answer(self, key: str, answer: bytes) -> bytes:
        with _unavailable():
            return write_once(self._path(key), answer)

    def answer(self, key: str) -> bytes | None:
        with _unavailable():
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError:
                return None

    def post_form(self, key: str, content_type: str, size: int) -> PostForm:
        if self._forms is None:
            raise NotEnabled("Photos are uploaded here while a server runs.")
        with _unavailable():
            return self._forms.sign(key, content_type, size)

    def permit(self, fields: Mapping[str, str]) -> Permit | None:
        """What a posted form lets land; None when it is none of ours, or no longer good. Raises Unavailable."""
        with _unavailable():
            return self._forms.permit(fields) if self._forms is not None else None

    def landing(self, key: str) -> NewFile:
        """A file to write a photo into, that lands under a key when it is finished. Raises Unavailable."""
        with _unavailable():
            return NewFile(self._path(key))

    def tidy(self, answers_before: datetime | None, leftovers_before: datetime) -> None:
        """Remove answers that were written before a time, and what killed processes left half written before another.

        Raises:
            Unavailable: they cannot be removed.

        """
        with _unavailable():
            for prefix in (UPLOADS, RESULTS):
                _remove((self._folder / prefix).rglob(f"{TEMPORARY}*"), leftovers_before)
            if answers_before is not None:
                _remove((self._folder / RESULTS).rglob("*.json"), answers_before)

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, key: str) -> Path:
        # A link in the folder is its owner's and may lead where it will; a key may not.
        if PurePosixPath(key).is_absolute() or ".." in PurePosixPath(key).parts:
            raise Unavailable("A photo's path leads out of its folder.")
        return self._folder / key


def _remove(files: Iterable[Path], before: datetime) -> None:
    for file in files:
        with suppress(FileNotFoundError):  # it may be gone by now
            if file.stat().st_mtime < before.timestamp():
                file.unlink()


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn what the file system refuses into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable("The photos cannot be read or written.") from error
