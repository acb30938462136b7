"""`mien batch`: a back catalogue of photos, each looked at once."""

from __future__ import annotations

from pathlib import Path

import click

from mien import settings
from mien.cli import batch_folder, batch_s3
from mien.domain.errors import InvalidParameter
from mien.domain.gallery import DEFAULT_COLLECTION, DEFAULT_MATCH_POLICY
from mien.domain.uploads import Task, TaskKind

_BUCKET = "s3://"


@click.command()
@click.argument("source", metavar="FOLDER|s3://BUCKET/PREFIX")
@click.option(
    "--task",
    type=click.Choice([kind.value for kind in TaskKind]),
    help="What to do with them; by default as the tenant's rules say, and in a folder analyse.",
)
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True, help="To recognise people of.")
@click.option("--match-policy", default=DEFAULT_MATCH_POLICY, show_default=True, help="To recognise people by.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="Folder: FOLDER-results by default.")
@click.option("--jobs", type=click.IntRange(1), help="Folder: how many photos at once; one a core by default.")
@click.option("--tenant", help="Bucket: whose photos they are.")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Bucket: functions at a time; 20 by default.")
@click.option("--yes", is_flag=True, help="Bucket: do not ask.")
@click.option("--machine", envvar=settings.BATCHES, help=f"Bucket: ARN of the state machine; ${settings.BATCHES}.")
@click.option("--photos", envvar=settings.PHOTOS, help=f"Bucket: s3:BUCKET of the answers; ${settings.PHOTOS}.")
def batch(
    source: str,
    task: str | None,
    collection: str,
    match_policy: str,
    results: Path | None,
    jobs: int | None,
    tenant: str | None,
    concurrency: int | None,
    yes: bool,
    machine: str | None,
    photos: str | None,
) -> None:
    """Look at every photo beneath a folder on all cores, or under a prefix of a bucket by functions in the cloud.

    What has an answer is passed over, so it can be run again, and broken off at any moment. Of a bucket it says first
    what it will cost, and asks. Failures are listed at the end; exits with 1 when photos could not be answered for
    reasons that are not theirs, and of a bucket when any could not.
    """
    try:
        wanted = Task.of({"task": task or TaskKind.ANALYSE, "collection": collection, "match_policy": match_policy})
    except InvalidParameter as error:
        raise click.BadParameter(str(error), param_hint="--collection") from None
    if not source.startswith(_BUCKET):
        _refuse("a folder", {"--tenant": tenant, "--concurrency": concurrency, "--yes": yes})
        folder = click.Path(exists=True, file_okay=False, path_type=Path).convert(source, None, None)
        batch_folder.run(Path(folder), results, wanted, jobs)
        return
    _refuse("a bucket", {"--results": results, "--jobs": jobs})
    if not tenant:
        raise click.UsageError("Say whose photos they are: --tenant.")
    if not machine or not photos:
        raise click.UsageError(f"Set {settings.BATCHES} and {settings.PHOTOS}, or give --machine and --photos.")
    bucket, _, prefix = source.removeprefix(_BUCKET).partition("/")
    catalogue = batch_s3.Catalogue(bucket, prefix, tenant, wanted if task else None)
    batch_s3.run(catalogue, machine, photos.removeprefix("s3:"), concurrency or batch_s3.CONCURRENCY, yes)


def _refuse(what: str, options: dict[str, object]) -> None:
    """Raises UsageError when an option is given that means nothing here."""
    given = [name for name, value in options.items() if value]
    if given:
        raise click.UsageError(f"{given[0]} is not for {what}.")
