"""Photos that landed: from a queue of S3's notifications, or in batches of a back catalogue."""

from __future__ import annotations

from mien import startup

# isort: split
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from mien import settings
from mien.adapters.searches import open_search
from mien.adapters.stores import open_announcer, open_gallery, open_meter, open_photos, open_upload_log
from mien.domain.uploads import METERED_AS, Upload
from mien.http.observability import CallRecord, logger, report
from mien.http.upload_answers import UploadAnswers
from mien.http.upload_events import Landing, batch_landings, landings
from mien.usecases.probe import FaceReader
from mien.usecases.receive_photo import ReceivePhoto
from mien.usecases.recognise import Recognise

reader = FaceReader.for_uploads(settings.models_folder(), settings.threads())
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
    return {"uploads": _receive_all(batch_landings(event))}


def _receive_message(record: dict[str, Any]) -> None:
    try:
        _receive_all(landings(record["body"]))
    except Exception:
        logger.exception("message failed")  # the queue brings it again, and in the end to the dead letters
        raise


def _receive_all(found: Iterable[Landing]) -> list[dict[str, Any]]:
    """What became of each photo. Where something of ours fails, all others are done before that is told."""
    outcomes, failure = [], None
    for landing in found:
        try:
            outcomes.append({"key": landing.key, **_outcome(_receive(landing))})
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure
    return outcomes


def _receive(landing: Landing) -> Upload | None:
    start = perf_counter()
    photo = landing.photo or photos.version_of(landing.bucket, landing.key)
    if photo is None:
        return None
    upload = receive_photo(landing.tenant, landing.path, photo, landing.task)
    if upload is not None:
        report(
            CallRecord(
                endpoint=METERED_AS,
                status=200,
                code=upload.code or "",
                faces=upload.face_count,
                milliseconds=(perf_counter() - start) * 1000,
                key_id=upload.payer.key_id,
                request_id=upload.id,
            )
        )
    return upload


def _outcome(upload: Upload | None) -> dict[str, Any]:
    if upload is None:
        return {"status": "gone"}
    return {"id": upload.id, "status": upload.status, "code": upload.code, "face_count": upload.face_count}


startup.finished()
