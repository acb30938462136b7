"""GET /usage, the /uploads, and what Mien says of itself: /models, and to everyone /health, /openapi.json and
the pages.
"""

from __future__ import annotations

from mien import startup

# isort: split
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.stores import open_meter, open_photos, open_upload_log
from mien.domain.uploads import Payer
from mien.http import about, pages
from mien.http.metering import Metering
from mien.http.parameters import read_month
from mien.http.resolver import Resolver, ok
from mien.http.routes import FIND_UPLOAD, HEALTH, MODELS, OPEN_UPLOAD, OPENAPI, PLAYGROUND, REFERENCE, USAGE
from mien.http.uploads import opened_upload_body, read_upload_request, upload_body
from mien.http.usage import usage_body
from mien.usecases.open_upload import FindUpload, OpenUpload

meter = open_meter(settings.meter_address())
photos = open_photos(settings.photos_address())
uploads = open_upload_log(settings.upload_log_address(), settings.result_retention())
open_upload = OpenUpload(photos, uploads, meter)
find_upload = FindUpload(photos, uploads)
app = Resolver(Metering(meter, settings.meter_fails_open()))


@app.route_for(USAGE)
def usage() -> Response[Any]:
    caller = app.caller
    month = read_month(app.query, app.now)
    return ok(usage_body(caller.plan, meter.usage(caller.key_id, month)))


@app.route_for(OPEN_UPLOAD)
def new_upload() -> Response[Any]:
    caller, asked = app.caller, read_upload_request(app.body())
    payer = Payer(caller.key_id, caller.plan.name, caller.without)
    opened = open_upload(caller.tenant, payer, asked.task, asked.content_type, asked.size)
    return ok(opened_upload_body(opened))


@app.route_for(FIND_UPLOAD)
def upload(id: str) -> Response[Any]:
    return ok(upload_body(find_upload(app.caller.tenant, id)))


@app.route_for(MODELS)
def models() -> Response[Any]:
    return ok(about.model_catalogue())


@app.route_for(HEALTH)
def health() -> Response[Any]:
    return ok(about.health())


@app.route_for(OPENAPI)
def openapi() -> Response[Any]:
    return ok(about.openapi_document())


@app.route_for(PLAYGROUND)
def playground() -> Response[Any]:
    return app.page(pages.playground(app.stage_url(PLAYGROUND)))


@app.route_for(REFERENCE)
def reference() -> Response[Any]:
    return app.page(pages.reference(app.stage_url(REFERENCE)))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)


startup.finished()
