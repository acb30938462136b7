"""The /face_recognition family."""

from __future__ import annotations

from mien import startup

# isort: split
from collections.abc import Callable
from time import perf_counter
from typing import Any

from aws_lambda_powertools.event_handler import Response

from mien import settings
from mien.adapters.searches import open_search
from mien.adapters.stores import open_gallery, open_image_source, open_meter
from mien.domain.gallery import MAX_METADATA_BYTES, GalleryId
from mien.http.images import read_photos
from mien.http.metering import Metering
from mien.http.parameters import (
    PageToken,
    read_collection,
    read_face_filter,
    read_match_policy,
    read_min_liveness,
    read_page,
    read_uid,
)
from mien.http.resolver import Resolver, ok
from mien.http.routes import DELETE_FACE, RECOGNIZE_FACE, REGISTER_FACE, UPDATE_FACE, VALIDATE_FACES, VIEW_DB
from mien.http.schemas import (
    DeletionBody,
    ListingBody,
    enrolment_body,
    recognition_body,
    subject_body,
    validation_body,
)
from mien.usecases.enrol import Enrol, Enrolment, Submission
from mien.usecases.forget import Forget
from mien.usecases.probe import FaceReader
from mien.usecases.recognise import Recognise
from mien.usecases.validate_faces import validate_faces as compare_photos

images = open_image_source(settings.fetches_urls())
app = Resolver(Metering(open_meter(settings.meter_address()), settings.meter_fails_open()), images)
reader = FaceReader.load(settings.models_folder(), settings.threads())
embedder = reader.embedder
gallery = open_gallery(settings.gallery_address())
search = open_search(settings.search_address(), gallery, embedder.space, embedder.dimensions)
enrol = Enrol(reader, gallery, search, settings.retention())
recognise = Recognise(reader, search)
forget = Forget(gallery, search)


@app.route_for(REGISTER_FACE)
def register_face() -> Response[Any]:
    return _enrol(enrol.register)


@app.route_for(UPDATE_FACE)
def update_face() -> Response[Any]:
    return _enrol(enrol.update)


@app.route_for(RECOGNIZE_FACE)
def recognize_face() -> Response[Any]:
    start = perf_counter()
    wanted, policy = read_face_filter(app.query), read_match_policy(app.query, embedder.calibration.cosines)
    recognition = recognise(app.form().image("face_image"), wanted, _gallery_id(), policy)
    app.timed(recognition.times)
    return ok(recognition_body(recognition, (perf_counter() - start) * 1000, app.request_id))


@app.route_for(VALIDATE_FACES)
def validate_faces() -> Response[Any]:
    start = perf_counter()
    policy = read_match_policy(app.query, embedder.calibration.cosines)
    form = app.form()
    validation = compare_photos(reader, form.image("image1"), form.image("image2"), policy)
    latency_ms = (perf_counter() - start) * 1000
    return ok(validation_body(validation, embedder.calibration, latency_ms, app.request_id))


@app.route_for(DELETE_FACE)
def delete_face() -> Response[Any]:
    uid = read_uid(app.headers)
    deleted = forget(_gallery_id(), uid, app.caller.key_id)
    return ok(DeletionBody(status="success", face_uid=uid, deleted_faces=deleted))


@app.route_for(VIEW_DB)
def view_db() -> Response[Any]:
    limit, token = read_page(app.query)
    page = gallery.page(_gallery_id(), limit, token.after if token else None)
    faces = token.faces if token else sum(gallery.count_faces(_gallery_id()).values())
    return ok(
        ListingBody(
            status="success",
            num_of_faces=faces,
            faces_list=[subject_body(subject) for subject in page.subjects],
            next_token=str(PageToken(page.next_after, faces)) if page.next_after else None,
        )
    )


def _enrol(how: Callable[[GalleryId, Submission, str], Enrolment]) -> Response[Any]:
    form = app.form()
    submission = Submission(
        read_uid(app.headers),
        read_photos(form),
        form.text("metadata", MAX_METADATA_BYTES),
        read_min_liveness(app.query),
    )
    return ok(enrolment_body(how(_gallery_id(), submission, app.caller.key_id)))


def _gallery_id() -> GalleryId:
    return GalleryId(app.caller.tenant, read_collection(app.query))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.handle(event, context)


startup.finished()
