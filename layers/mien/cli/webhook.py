"""`mien uploads webhook`: where a tenant hears of results."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import click

from mien.adapters.https_hooks import HttpsHookPoster
from mien.cli.upload_place import UploadPlace
from mien.http.limits import ROTATION_HOURS
from mien.http.wire import compact_json
from mien.usecases.manage_webhook import ManageWebhook, SignedPost


@click.command()
@click.argument("url", required=False)
@click.option("--remove", "action", flag_value="remove", help="Tell nobody any more.")
@click.option("--rotate", "action", flag_value="rotate", help="Make another secret; the old one signs a while longer.")
@click.option("--test", "action", flag_value="test", help="Post a signed test now, and say what comes back.")
@click.option("--curl", metavar="URL", help="Print the same test as a command that posts it to another URL.")
@click.pass_obj
def webhook(place: UploadPlace, url: str | None, action: str | None, curl: str | None) -> None:
    """Name the https URL that gets the answer to each of a tenant's photos, and show the secret that signs them, once.

    Without a URL and an option, say which it is.
    """
    if sum(given is not None for given in (url, action, curl)) > 1:
        raise click.UsageError("Give a URL or one of --remove, --rotate, --test and --curl.")
    with closing(HttpsHookPoster()) as poster:
        manage = ManageWebhook(place.log, poster)
        if url is not None:
            _say(manage, place.tenant, manage.name(place.tenant, url))
        elif curl is not None:
            click.echo(_as_curl(manage.trial(place.tenant), curl))
        else:
            _ACTIONS[action](manage, place.tenant)


def _rotate(manage: ManageWebhook, tenant: str) -> None:
    _say(manage, tenant, manage.rotate(tenant, timedelta(hours=ROTATION_HOURS)))
    click.echo(f"The old secret signs beside it for {ROTATION_HOURS} h.", err=True)


def _remove(manage: ManageWebhook, tenant: str) -> None:
    manage.remove(tenant)
    click.echo("Nobody is told any more.", err=True)


def _test(manage: ManageWebhook, tenant: str) -> None:
    click.echo(f"The webhook answers with status {manage.try_out(tenant)}.")


def _say(manage: ManageWebhook, tenant: str, secret: str | None = None) -> None:
    named = manage.webhook_of(tenant)
    ends = named.old_secret_ends
    line = {"tenant": tenant, "url": named.url, "old_secret_ends": ends and ends.isoformat()}
    click.echo(compact_json(line | ({"secret": secret} if secret else {})))
    if secret:
        click.echo("The secret is shown this once.", err=True)


_ACTIONS: dict[str | None, Callable[[ManageWebhook, str], None]] = {
    None: _say,
    "remove": _remove,
    "rotate": _rotate,
    "test": _test,
}


def _as_curl(post: SignedPost, url: str) -> str:
    headers = {"content-type": "application/json", **post.headers}
    said = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    return shlex.join(["curl", "-i", url, *said, "--data-binary", post.body.decode()])
