"""The `mien` command."""

from __future__ import annotations

import sys

import click

from mien import __version__, settings
from mien.cli.analyze import analyze
from mien.cli.batch import batch
from mien.cli.doctor import doctor
from mien.cli.faces import faces
from mien.cli.keys import keys
from mien.cli.tune import tune
from mien.cli.uploads import uploads
from mien.cli.usage import usage
from mien.domain.errors import MienError


@click.group()
@click.version_option(__version__)
def mien() -> None:
    """Face analysis that you own."""


@mien.command()
@click.option("--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--retention-days", type=click.IntRange(1), help="Forget enrolled people after so many days.")
@click.option("--result-days", type=click.IntRange(1), help="Remove results of uploads after so many days.")
@click.option(
    "--keep-photos/--delete-photos", default=True, help="Of uploads, once they are answered; kept by default."
)
def serve(port: int, retention_days: int | None, result_days: int | None, keep_photos: bool) -> None:
    """Serve the API on this machine, and answer photos that land in var/uploads."""
    from mien.local.server import Keeping, serve

    keeping = Keeping(retention_days, result_days, keep_photos)
    serve(port, settings.local_database().parent, settings.CHECKOUT / "functions", keeping)


mien.add_command(analyze)
mien.add_command(batch)
mien.add_command(doctor)
mien.add_command(faces)
mien.add_command(keys)
mien.add_command(tune)
mien.add_command(uploads)
mien.add_command(usage)


def main() -> None:
    """Run the command; what is wrong is told in a sentence, not a traceback."""
    try:
        mien()
    except MienError as error:
        click.echo(f"mien: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
