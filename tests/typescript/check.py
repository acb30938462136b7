"""`make client-check`: compile the typed client and let it call a server of its own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.examples import running
from mien import settings
from mien.http import about

HERE = Path(__file__).parent
PHOTO = settings.CHECKOUT / "docs" / "photos" / "obama.jpg"


def main() -> None:
    document = Path(about.__file__).with_name(about.DOCUMENT_NAME)
    bin = HERE / "node_modules" / ".bin"
    subprocess.run([bin / "openapi-typescript", document, "--output", HERE / "mien.d.ts"], check=True)
    subprocess.run([bin / "tsc", "--project", HERE], check=True)
    with tempfile.TemporaryDirectory() as state, running(Path(state)) as server:
        subprocess.run(["node", HERE / "built" / "client.js", server.url, server.key, PHOTO], check=True)  # noqa: S607


if __name__ == "__main__":
    main()
