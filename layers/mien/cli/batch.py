"""`mien batch`: a back catalogue of photos, looked at once."""

from __future__ import annotations

import click

from mien import settings
from mien.cli import batch_s3
from mien.domain.gallery import DEFAULT_COLLECTION, DEFAULT_MATCH_POLICY
from mien.domain.uploads import Task, TaskKind


@click.command()
@click.argument("source", metavar="s3://BUCKET/PREFIX")
@click.option("--tenant", required=True, help="Whose photos they are.")
@click.option(
    "--task", type=click.Choice([kind.value for kind in TaskKind]), help="As the tenant's rules say by default."
)
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True, help="To recognise people of.")
@click.option("--match-policy", default=DEFAULT_MATCH_POLICY, show_default=True, help="To recognise people by.")
@click.option("--concurrency", type=click.IntRange(1, 1000), default=20, show_default=True, help="Functions at a time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--machine", envvar=settings.BATCHES, help=f"ARN of the state machine; ${settings.BATCHES}.")
@click.option("--photos", envvar=settings.PHOTOS, help=f"s3:BUCKET of the answers; ${settings.PHOTOS}.")
def batch(
    source: str,
    tenant: str,
    task: str | None,
    collection: str,
    match_policy: str,
    concurrency: int,
    yes: bool,
    machine: str | None,
    photos: str | None,
) -> None:
    """Look at every photo under a prefix of a bucket, by functions in the cloud.

    Says first what it will cost, and asks. What has an answer is passed over, so it can be run again, and broken off:
    the run goes on, and the same command watches it. Prints a JSON line for each photo without faces to tell of, and a
    last line of how many; exits with 1 when there was one.
    """
    if not source.startswith("s3://"):
        raise click.UsageError("SOURCE is s3://BUCKET/PREFIX.")
    if not machine or not photos:
        raise click.UsageError(f"Set {settings.BATCHES} and {settings.PHOTOS}, or give --machine and --photos.")
    wanted = Task.of({"task": task, "collection": collection, "match_policy": match_policy}) if task else None
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    batch_s3.run(
        batch_s3.Catalogue(bucket, prefix, tenant, wanted), machine, photos.removeprefix("s3:"), concurrency, yes
    )
