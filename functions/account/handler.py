"""GET /usage, and what Mien says of itself: /models, and to everyone /health and /openapi.json."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.stores import open_meter
from mien.http import about
from mien.http.metering import Metering
from mien.http.parameters import read_month
from mien.http.resolver import Resolver, ok
from mien.http.routes import HEALTH, MODELS, OPENAPI, USAGE
from mien.http.usage import usage_body

meter = open_meter(settings.meter_address())
app = Resolver(Metering(meter, settings.meter_fails_open()))


@app.route_for(USAGE)
def usage() -> Response[Any]:
    caller = app.caller
    month = read_month(app.query, app.now)
    return ok(usage_body(caller.plan, meter.usage(caller.key_id, month)))


@app.route_for(MODELS)
def models() -> Response[Any]:
    return ok(about.model_catalogue())


@app.route_for(HEALTH)
def health() -> Response[Any]:
    return ok(about.health())


@app.route_for(OPENAPI)
def openapi() -> Response[Any]:
    return ok(about.openapi_document())


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)
