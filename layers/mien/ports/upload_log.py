"""What became of every upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mien.domain.uploads import PhotoVersion, Upload, UploadRules


@dataclass(frozen=True, slots=True)
class UploadPage:
    """Some uploads, oldest first, and where to go on; None on the last page."""

    uploads: Sequence[Upload]
    next_after: str | None


class UploadLog(Protocol):
    """A row for every upload, and each tenant's rules. Every method may raise Unavailable."""

    def add(self, upload: Upload) -> None:
        """Note an upload that is yet to land."""

    def find(self, tenant: str, id: str) -> Upload | None:
        """The upload of an id; None when there is none, or no longer."""

    def claim(self, tenant: str, id: str, photo: PhotoVersion) -> Upload | None:
        """Say that this is the photo that an upload awaits; None when none of this id does, or it has another."""

    def finish(self, upload: Upload) -> Upload:
        """Write down what became of an upload, if nothing is written yet; what stands there now."""

    def set_announced(self, tenant: str, id: str) -> None:
        """Note that those who want to know were told."""

    def finished(
        self, tenant: str, since: datetime, until: datetime, limit: int, after: str | None = None
    ) -> UploadPage:
        """The tenant's uploads that were finished from `since` on and before `until`."""

    def rules(self, tenant: str) -> UploadRules:
        """The tenant's rules; empty ones when there are none."""

    def set_rules(self, tenant: str, rules: UploadRules) -> None:
        """Put other rules in their place."""

    def close(self) -> None:
        """Let go of files and connections."""
