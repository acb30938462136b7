"""Write the document to the file that functions serve. `python -m mien.openapi`."""

from __future__ import annotations

import json
from pathlib import Path

from mien import settings
from mien.domain.errors import ConfigurationError
from mien.http import about
from mien.openapi.document import document
from mien.vision.manifest import MANIFEST_NAME, load_manifest

PATH = Path(about.__file__).with_name(about.DOCUMENT_NAME)


def text() -> str:
    """The file's content."""
    calibration = load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME).for_task("embedding").matching
    if calibration is None:
        raise ConfigurationError("The manifest gives no match policies.")
    return json.dumps(document(list(calibration.cosines)), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
