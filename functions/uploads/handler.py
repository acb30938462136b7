"""Photos that landed: from a queue of S3's notifications, or in batches of a back catalogue."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from mien import settings
from mien.adapters.searches import open_search
from mien.adapters.stores import open_announcer, open_gallery, open_meter, open_photos, open_upload_log
from mien.domain.errors import ServiceError
from mien.domain.uploads import Upload
from mien.http.upload_answers import UploadAnswers
from mien.http.upload_events import Landing, batch_landings, landings
from mien.usecases.probe import FaceReader
from mien.usecases.receive_photo import ReceivePhoto
from mien.usecases.recognise import Recognise

reader = FaceReader.load(settings.models_folder(), settings.threads())
embedder = reader.embedder
gallery = open_gallery(settings.gallery_address())
search = open_search(settings.search_address(), gallery, embedder.space, embedder.dimensions)
photos = open_photos(settings.photos_address())
receive_photo = ReceivePhoto(
    photos=photos,
    log=open_upload_log(settings.upload_log_address(), settings.result_retention()),
    meter=open_meter(settings.meter_address()),
    announcer=open_announcer(settings.announcer_address()),
    answers=UploadAnswers(Recognise(reader, search)).answers(),
    keeps_photos=settings.keeps_photos(),
)
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    if "Records" in event:
        return process_partial_response(event, _receive_message, processor, context)
    return {"uploads": _receive_batch(event)}


def _receive_message(record: dict[str, Any]) -> None:
    for landing in landings(record["body"]):
        _receive(landing)


def _receive_batch(event: dict[str, Any]) -> list[dict[str, Any]]:
    """What became of each photo. Where something of ours failed, all others are done before the batch fails."""
    uploads, failure = [], None
    for landing in batch_landings(event):
        try:
            uploads.append({"key": landing.key, **_outcome(_receive(landing))})
        except ServiceError as error:
            failure = error
    if failure is not None:
        raise failure
    return uploads


def _receive(landing: Landing) -> Upload | None:
    photo = landing.photo or photos.version_of(landing.bucket, landing.key)
    if photo is None:
        return None
    return receive_photo(landing.tenant, landing.path, photo, landing.task)


def _outcome(upload: Upload | None) -> dict[str, Any]:
    if upload is None:
        return {"status": "gone"}
    return {"id": upload.id, "status": upload.status, "code": upload.code, "face_count": upload.face_count}
