"""GET /usage."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.stores import open_meter
from mien.http.metering import Metering
from mien.http.parameters import read_month
from mien.http.resolver import Resolver, ok
from mien.http.routes import USAGE
from mien.http.usage import usage_body

meter = open_meter(settings.meter_address())
app = Resolver(Metering(meter, settings.meter_fails_open()))


@app.route_for(USAGE)
def usage() -> Response[Any]:
    caller = app.caller
    month = read_month(app.query, app.now)
    return ok(usage_body(caller.plan, meter.usage(caller.key_id, month)))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)
