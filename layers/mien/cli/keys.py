"""`mien keys`: API keys of the local server, or of a deployment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import click

from mien import settings
from mien.adapters.key_registries import open_registry
from mien.adapters.stores import open_key_store
from mien.domain.keys import ApiKey, KeyStatus
from mien.domain.plans import PLANS, Feature
from mien.http.limits import AUTHORIZER_CACHE_SECONDS, ROTATION_HOURS
from mien.http.wire import compact_json
from mien.ports.clock import utc_now
from mien.usecases.manage_keys import ManageKeys

_SOON = f"Functions hear of it within {AUTHORIZER_CACHE_SECONDS} s."

plan_choice = click.Choice(list(PLANS))
feature_choice = click.Choice([feature.value for feature in Feature])


@click.group()
@click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: settings.address_or_local(settings.KEY_STORE),
    help=f"sqlite:FILE or dynamodb:TABLE; ${settings.KEY_STORE}, or else the local server's.",
)
@click.option(
    "--api",
    metavar="ADDRESS",
    default=lambda: os.environ.get(settings.API) or "local",
    help=f"apigateway:API_ID where API Gateway must know the keys; ${settings.API}, or else local.",
)
@click.pass_context
def keys(context: click.Context, store: str, api: str) -> None:
    """Make, list, change and end API keys. A secret is shown once, when it is made."""
    opened = open_key_store(store)
    context.call_on_close(opened.close)
    context.obj = ManageKeys(opened, open_registry(api))


@keys.command()
@click.option("--name", required=True, help="What people call it.")
@click.option("--plan", type=plan_choice, default="free", show_default=True)
@click.option("--tenant", help="Whose it is; a new tenant's by default. Keys of one tenant share its galleries.")
@click.option("--without", type=feature_choice, multiple=True, help="A feature it shall not have.")
@click.pass_obj
def create(manage: ManageKeys, name: str, plan: str, tenant: str | None, without: tuple[str, ...]) -> None:
    """Make a key and show its secret, this once."""
    _say_secret(*manage.create(name, plan, tenant, [Feature(feature) for feature in without]))


@keys.command("list")
@click.pass_obj
def list_(manage: ManageKeys) -> None:
    """Name every key, one JSON line each."""
    newest: dict[str, ApiKey] = {}
    for key in sorted(manage.keys.all(), key=lambda key: key.created_at):
        newest[key.id] = key
    for key in newest.values():
        click.echo(compact_json(_line(key)))


@keys.command()
@click.argument("key_id")
@click.pass_obj
def show(manage: ManageKeys, key_id: str) -> None:
    """Show a key and its secrets' ends; the secrets themselves are stored nowhere."""
    rows = manage.secrets_of(key_id)
    click.echo(compact_json(_line(rows[0]) | {"secrets": [_secret_line(row) for row in rows]}))


@keys.command()
@click.argument("key_id")
@click.pass_obj
def suspend(manage: ManageKeys, key_id: str) -> None:
    """Refuse a key's calls with 403 until it is resumed."""
    _changed(manage.change(key_id, status=KeyStatus.SUSPENDED))


@keys.command()
@click.argument("key_id")
@click.pass_obj
def resume(manage: ManageKeys, key_id: str) -> None:
    """Let a suspended key call again."""
    _changed(manage.change(key_id, status=KeyStatus.ACTIVE))


@keys.command()
@click.argument("key_id")
@click.pass_obj
def revoke(manage: ManageKeys, key_id: str) -> None:
    """End a key for good."""
    _changed(manage.change(key_id, status=KeyStatus.REVOKED))


@keys.command()
@click.argument("key_id")
@click.option("--overlap-hours", type=click.IntRange(0), default=ROTATION_HOURS, show_default=True)
@click.pass_obj
def rotate(manage: ManageKeys, key_id: str, overlap_hours: int) -> None:
    """Give a key a new secret; the old one opens the door a while longer."""
    _say_secret(*manage.rotate(key_id, timedelta(hours=overlap_hours)))
    click.echo(f"The old secret ends in {overlap_hours} h.", err=True)


@keys.command("set-plan")
@click.argument("key_id")
@click.argument("plan", type=plan_choice)
@click.pass_obj
def set_plan(manage: ManageKeys, key_id: str, plan: str) -> None:
    """Give a key another plan. What it has used this month stays counted."""
    _changed(manage.change(key_id, plan=plan))


@keys.command("set-without")
@click.argument("key_id")
@click.argument("features", type=feature_choice, nargs=-1)
@click.pass_obj
def set_without(manage: ManageKeys, key_id: str, features: tuple[str, ...]) -> None:
    """Switch FEATURES off for a key, and all others on, as far as its plan has them."""
    _changed(manage.change(key_id, without=[Feature(feature) for feature in features]))


@keys.command()
@click.pass_obj
def sync(manage: ManageKeys) -> None:
    """Bring API Gateway in step with the key store, after a command that broke off."""
    click.echo(f"{manage.sync()} keys are in step.")


def _say_secret(key: ApiKey, secret: str) -> None:
    click.echo(compact_json(_line(key) | {"secret": secret}))
    click.echo("The secret is shown this once, and stored nowhere.", err=True)


def _changed(key: ApiKey) -> None:
    click.echo(compact_json(_line(key)))
    click.echo(_SOON, err=True)


def _line(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "plan": key.plan,
        "status": key.status.value,
        "without": _words(key.without),
        "created_at": key.created_at.isoformat(),
    }


def _secret_line(key: ApiKey) -> dict[str, Any]:
    return {
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "usable": key.usable(utc_now()),
    }


def _words(features: Iterable[Feature]) -> list[str]:
    return sorted(feature.value for feature in features)
