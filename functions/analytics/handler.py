"""POST /face_analytics and /face_liveness."""

from __future__ import annotations

from mien import startup

# isort: split
from collections.abc import Callable
from time import perf_counter
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.stores import open_image_source, open_meter
from mien.domain.faces import ImageAnalysis
from mien.http.metering import Metering
from mien.http.parameters import read_face_filter
from mien.http.resolver import Resolver, ok
from mien.http.routes import FACE_ANALYTICS, FACE_LIVENESS
from mien.http.schemas import Envelope, analytics_body, liveness_body
from mien.usecases.analyse_image import AnalyseImage

images = open_image_source(settings.fetches_urls())
app = Resolver(Metering(open_meter(settings.meter_address()), settings.meter_fails_open()), images)
analyse_image = AnalyseImage.load(settings.models_folder(), settings.threads())


@app.route_for(FACE_ANALYTICS)
def face_analytics() -> Response[Any]:
    return _answer(analytics_body)


@app.route_for(FACE_LIVENESS)
def face_liveness() -> Response[Any]:
    return _answer(liveness_body)


def _answer(body: Callable[[ImageAnalysis, float, str], Envelope[Any]]) -> Response[Any]:
    start = perf_counter()
    wanted = read_face_filter(app.query)
    analysis = analyse_image(app.form().image("face_image"), wanted)
    app.timed(analysis.times)
    return ok(body(analysis, (perf_counter() - start) * 1000, app.request_id))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)


startup.finished()
