"""Copy networks out of a folder of built models, each only if its bytes are those that the manifest there names.

`python3 models/pack.py BUILT DESTINATION "FILE FILE"`. It runs while an image is built, on the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection
from pathlib import Path

MANIFEST = "manifest.json"


def pack(built: Path, destination: Path, files: Collection[str]) -> None:
    """Copy these files and the manifest, or nothing when there are none. Exits when one is not as it should be.

    They are written anew, so that the checkout's permissions stay behind: on Lambda another user reads them.
    """
    destination.mkdir()
    if not files:
        return
    manifest = (built / MANIFEST).read_bytes()
    (destination / MANIFEST).write_bytes(manifest)
    expected = {model["file"]: model["sha256"] for model in json.loads(manifest)["models"]}
    for file in files:
        content = (built / file).read_bytes() if (built / file).is_file() else b""
        if hashlib.sha256(content).hexdigest() != expected.get(file):
            sys.exit(f"{file} is missing, or not the file that the manifest names. Run `make models`.")
        (destination / file).write_bytes(content)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split())
