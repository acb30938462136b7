"""Writing files so that whoever looks sees all of one or nothing of it, and so that it is still there after a crash."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

TEMPORARY = ".mien-"
"""How the names of files begin that are being written; a killed process leaves them behind."""


def write_once(path: Path, data: bytes) -> bytes:
    """Write a file, for its owner's eyes only, where there is none; what stands there now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY) as file:
        file.write(data)
        _to_disk(file)
        try:
            os.link(file.name, path)  # whole or not at all, and only where nothing is
        except FileExistsError:
            return path.read_bytes()
    return data


class NewFile:
    """A file that is written bit by bit and takes its place, or that of the file before it, when it is whole."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self.size = path, 0
        self._file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY, delete=False)  # noqa: SIM115

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._file.write(data)

    def finish(self) -> None:
        """Put it in its place."""
        with self._file:
            _to_disk(self._file)
            Path(self._file.name).replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
