"""`mien uploads`: photos that land, and what becomes of them."""

from __future__ import annotations

import click

from mien.cli.webhook import webhook


@click.group()
def uploads() -> None:
    """Look after photos that land in a folder or bucket."""


uploads.add_command(webhook)
