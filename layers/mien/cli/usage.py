"""`mien usage`: who called how often, and about what it cost."""

from __future__ import annotations

import csv
import sys

import click

from mien import settings
from mien.adapters.stores import open_key_store, open_meter
from mien.domain.plans import PLANS
from mien.domain.uploads import plan_of_payer
from mien.domain.usage import Usage, month_of
from mien.http.parameters import read_month
from mien.http.usage import UsageBody, usage_body
from mien.http.wire import compact_json
from mien.ports.clock import utc_now


@click.command()
@click.option("--key", "key_id", metavar="ID", help="One key's alone; all by default.")
@click.option("--all", "everybody", is_flag=True, help="Every key, those that have not called too.")
@click.option("--month", help="As 2026-11; this month by default.")
@click.option("--csv", "as_csv", is_flag=True, help="A table of commas instead of JSON lines.")
@click.option("--store", default=lambda: settings.address_or_local(settings.KEY_STORE), help="Of the keys.")
@click.option("--meter", default=lambda: settings.address_or_local(settings.METER), help="Of the counts.")
@click.pass_context
def usage(
    context: click.Context,
    key_id: str | None,
    everybody: bool,
    month: str | None,
    as_csv: bool,
    store: str,
    meter: str,
) -> None:
    """Report billed calls by key and endpoint, with AWS's list price of them, one line a key.

    Photos that landed without a key are told of under `uploads:TENANT`.
    """
    now = utc_now()
    wanted = read_month({"month": [month or month_of(now)]}, now)
    keys, counts = open_key_store(store), open_meter(meter)
    context.call_on_close(keys.close)
    context.call_on_close(counts.close)
    known = {key.id: key for key in sorted(keys.all(), key=lambda key: key.created_at)}
    used = {usage.key_id: usage for usage in counts.all(wanted)}
    if everybody:
        used = {key: Usage(key, wanted) for key in known} | used
    plans = {id: known[id].plan if id in known else plan_of_payer(id) for id in used}
    bodies = [
        usage_body(PLANS[plan], used[id]) for id, plan in plans.items() if plan is not None and key_id in (None, id)
    ]
    _print_csv(bodies) if as_csv else _print_lines(bodies)


def _print_lines(bodies: list[UsageBody]) -> None:
    for body in bodies:
        click.echo(compact_json({name: value for name, value in body.items() if name != "status"}))


def _print_csv(bodies: list[UsageBody]) -> None:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["key_id", "plan", "month", "endpoint", "calls", "limit", "estimated_cost_usd"])
    for body in bodies:
        start = [body["key_id"], body["plan"], body["month"]]
        for endpoint, calls in body["endpoints"].items():
            table.writerow([*start, endpoint, calls, "", ""])
        table.writerow([*start, "all", body["used"], body["limit"], body["estimated_cost_usd"]])
