"""The /face_recognition family; so far /validate_faces."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.http.parameters import read_match_policy
from mien.http.resolver import Resolver, ok
from mien.http.routes import VALIDATE_FACES
from mien.http.schemas import validation_body
from mien.usecases.validate_faces import ValidateFaces

app = Resolver()
validate = ValidateFaces.load(settings.models_folder(), settings.threads())


@app.route_for(VALIDATE_FACES)
def validate_faces() -> Response[Any]:
    start = perf_counter()
    policy = read_match_policy(app.query, validate.calibration.cosines)
    first, second = app.images("image1", "image2")
    validation = validate(first, second, policy)
    latency_ms = (perf_counter() - start) * 1000
    return ok(validation_body(validation, validate.calibration, latency_ms, app.request_id))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)
