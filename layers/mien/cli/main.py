"""The `mien` command."""

from __future__ import annotations

import sys

import click

from mien import __version__, settings
from mien.cli.analyze import analyze
from mien.domain.errors import ConfigurationError


@click.group()
@click.version_option(__version__)
def mien() -> None:
    """Face analysis that you own."""


@mien.command()
@click.option("--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(0, 65535))
def serve(port: int) -> None:
    """Serve the API on this machine."""
    from mien.local.server import serve

    serve(port, state=settings.CHECKOUT / "var", functions=settings.CHECKOUT / "functions")


mien.add_command(analyze)


def main() -> None:
    """Run the command; a wrong set-up is told in a sentence, not a traceback."""
    try:
        mien()
    except ConfigurationError as error:
        click.echo(f"mien: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
