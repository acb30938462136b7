"""POST /emotion-detection."""

from __future__ import annotations

from mien import startup

# isort: split
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.stores import open_image_source, open_meter
from mien.http.metering import Metering
from mien.http.parameters import read_face_filter
from mien.http.resolver import Resolver, ok
from mien.http.routes import EMOTION_DETECTION
from mien.http.schemas import emotion_body
from mien.usecases.detect_emotion import DetectEmotion
from mien.usecases.stopwatch import Stopwatch

images = open_image_source(settings.fetches_urls())
app = Resolver(Metering(open_meter(settings.meter_address()), settings.meter_fails_open()), images)
detect_emotion = DetectEmotion.load(settings.models_folder(), settings.threads())


@app.route_for(EMOTION_DETECTION)
def emotion_detection() -> Response[Any]:
    wanted, watch = read_face_filter(app.query), Stopwatch()
    faces = detect_emotion(app.form().image("image"), wanted, watch)
    app.timed(watch.times)
    return ok(emotion_body(faces))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)


startup.finished()
