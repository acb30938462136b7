"""Leave out what botocore knows of services that Mien never calls: most of it, and whenever a client is made, botocore
looks through the folders of all.

`python3 functions/keep_services.py DATA "SERVICE SERVICE"`. It runs while an image is built, on the standard library
alone.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection
from pathlib import Path


def keep_services(data: Path, services: Collection[str]) -> None:
    """Remove the folders of all other services from botocore's data. Exits when one of these is not there."""
    folders = {folder.name: folder for folder in data.iterdir() if folder.is_dir()}
    if unknown := set(services) - folders.keys():
        sys.exit(f"botocore knows nothing of {', '.join(sorted(unknown))}. Name services as boto3.client does.")
    for name in folders.keys() - set(services):
        shutil.rmtree(folders[name])


if __name__ == "__main__":
    keep_services(Path(sys.argv[1]), sys.argv[2].split())
