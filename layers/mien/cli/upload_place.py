"""Which uploads a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import click

from mien.adapters.stores import open_upload_log
from mien.ports.upload_log import UploadLog


@dataclass
class UploadPlace:
    """A tenant's, in the log at an address, which is opened when first used."""

    address: str
    tenant: str

    @cached_property
    def log(self) -> UploadLog:
        log = open_upload_log(self.address)
        click.get_current_context().call_on_close(log.close)
        return log
