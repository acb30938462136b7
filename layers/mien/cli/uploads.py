"""`mien uploads`: photos that landed, and what is to be done with them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from mien import settings
from mien.cli.photos import with_progress
from mien.cli.upload_place import UploadPlace
from mien.cli.webhook import webhook
from mien.domain.gallery import DEFAULT_COLLECTION, DEFAULT_MATCH_POLICY
from mien.domain.keys import DEMO_TENANT
from mien.domain.plans import Feature
from mien.domain.uploads import Task, TaskKind, Upload
from mien.http.wire import compact_json
from mien.ports.clock import utc_now

_PAGE = 100
_SECONDS_BETWEEN_LOOKS = 2

moment = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group()
@click.option(
    "--log",
    metavar="ADDRESS",
    default=lambda: settings.address_or_local(settings.UPLOAD_LOG),
    help=f"sqlite:FILE or dynamodb:TABLE; ${settings.UPLOAD_LOG}, or else the local server's.",
)
@click.option("--tenant", default=DEMO_TENANT, show_default=True, help="Whose photos.")
@click.pass_context
def uploads(context: click.Context, log: str, tenant: str) -> None:
    """List what became of photos that landed, say what is to be done with them and who is told, bring back those given
    up.
    """
    context.obj = UploadPlace(log, tenant)


uploads.add_command(webhook)


@uploads.command("list")
@click.option("--since", type=moment, help="UTC, as 2026-11-21 or 2026-11-21T09:30; a day ago by default.")
@click.option("--until", type=moment, help="UTC; now by default.")
@click.pass_obj
def list_(place: UploadPlace, since: datetime | None, until: datetime | None) -> None:
    """Print what was finished in a time, oldest first, one JSON line an upload."""
    start = since.replace(tzinfo=UTC) if since else utc_now() - timedelta(days=1)
    end = until.replace(tzinfo=UTC) if until else utc_now() + timedelta(seconds=1)
    after = None
    while True:
        page = place.log.finished(place.tenant, start, end, _PAGE, after)
        for upload in page.uploads:
            _say(_line(upload))
        after = page.next_after
        if after is None:
            return


@uploads.command()
@click.option("--prefix", help="Of photos' paths under the tenant's own; '' is all of them.")
@click.option("--task", type=click.Choice([kind.value for kind in TaskKind]), help="What is to be done with them.")
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True, help="To recognise people of.")
@click.option("--match-policy", default=DEFAULT_MATCH_POLICY, show_default=True, help="To recognise people by.")
@click.option("--remove", is_flag=True, help="Have no rule for the prefix any more.")
@click.option(
    "--without",
    type=click.Choice([feature.value for feature in Feature] + ["nothing"]),
    multiple=True,
    help="What no answer of the tenant's shall hold; 'nothing' is left out again.",
)
@click.pass_obj
def rules(
    place: UploadPlace,
    prefix: str | None,
    task: str | None,
    collection: str,
    match_policy: str,
    remove: bool,
    without: tuple[str, ...],
) -> None:
    """Show the tenant's rules, after changing one where --prefix or --without says so. The longest prefix counts."""
    if (prefix is None) != (task is None and not remove) or (task is not None and remove):
        raise click.UsageError("A rule is --prefix with --task, or with --remove.")
    held = place.log.rules(place.tenant)
    changed = held
    if prefix is not None:
        others = {each: rule for each, rule in held.tasks.items() if each != prefix}
        texts = {"task": task or "", "collection": collection, "match_policy": match_policy}
        changed = replace(changed, tasks=others if remove else {**others, prefix: Task.of(texts)})
    if without:
        changed = replace(changed, without=frozenset(Feature(each) for each in without if each != "nothing"))
    if changed != held:
        place.log.set_rules(place.tenant, changed)
    for each, rule in sorted(changed.tasks.items()):
        _say({"prefix": each, **rule.texts()})
    if changed.without:
        _say({"without": sorted(changed.without)})


@uploads.command()
@click.option("--queue", envvar=settings.DEAD_LETTERS, required=True, help=f"URL; ${settings.DEAD_LETTERS}.")
def redrive(queue: str) -> None:
    """Bring back the photos that were given up, once their cause is mended; follow them on their way."""
    sys.exit(_redrive(queue, time.sleep))


def _redrive(queue: str, sleep: Callable[[float], None]) -> int:
    from mien.adapters.aws import client
    from mien.adapters.dead_letters import Redrive, SqsDeadLetters

    letters = SqsDeadLetters(client("sqs"), queue)
    with closing(letters):
        waiting, latest = letters.count(), letters.redrive()
        if not waiting and not (latest and latest.moving):
            _say({"status": "empty", "moved": 0})
            return 0
        if not (latest and latest.moving):
            letters.start_redrive()

        def steps() -> Any:
            while (now := letters.redrive()) is not None and now.moving:
                yield now
                sleep(_SECONDS_BETWEEN_LOOKS)

        for _ in with_progress("Moving", steps(), waiting):
            continue
        ended = letters.redrive() or Redrive(False, 0, "AWS does not tell of the move.")
        _say({"status": "failed" if ended.failure else "moved", "moved": ended.moved, "failure": ended.failure})
        return 1 if ended.failure else 0


def _line(upload: Upload) -> dict[str, Any]:
    done, photo = upload.completed_at, upload.photo
    return {
        "id": upload.id,
        "status": upload.status.value,
        "code": upload.code,
        "face_count": upload.face_count,
        "task": upload.task and upload.task.kind.value,
        "key": photo and photo.key,
        "completed_at": done and done.isoformat(timespec="milliseconds"),
        "result_key": upload.result_key if photo else None,
    }


def _say(line: dict[str, Any]) -> None:
    click.echo(compact_json(line))
