from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mien.domain.plans import Feature
from mien.domain.uploads import (
    Payer,
    PhotoVersion,
    Task,
    TaskKind,
    Upload,
    UploadRules,
    UploadStatus,
    new_upload_id,
)
from mien.domain.webhooks import Webhook
from mien.ports.upload_log import UploadLog
from tests.contracts.gallery import FakeClock

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PHOTO = PhotoVersion("photos", "uploads/acme/door/ü 1.jpg", "v1", "e1")
OTHER = PhotoVersion("photos", "uploads/acme/door/ü 1.jpg", "v2", "e2")
RETENTION = timedelta(days=30)


def awaited(id: str | None = None, tenant: str = "acme") -> Upload:
    payer = Payer("key-1", "basic", frozenset({Feature.AGE, Feature.EMOTION}))
    return Upload(tenant, id or new_upload_id(), payer, Task(TaskKind.RECOGNISE, "staff", "fmr_1e-5"), NOW)


def done(upload: Upload, at: datetime = NOW, faces: int = 2) -> Upload:
    return replace(
        upload, photo=upload.photo or PHOTO, status=UploadStatus.DONE, completed_at=at, face_count=faces, code=None
    )


class UploadLogContract:
    """Subclass and provide fixtures: `log`, with a retention of thirty days by the fixture `clock`, which starts at
    NOW, and `open_again`, which opens the same store.
    """

    def test_an_upload_is_found_as_it_was_added_by_its_own_tenant_only(self, log: UploadLog) -> None:
        upload = awaited()
        log.add(upload)
        assert log.find("acme", upload.id) == upload
        assert log.find("rival", upload.id) is None
        assert log.find("acme", "0" * 32) is None

    def test_a_photo_claims_the_upload_that_awaits_it_again_and_again(self, log: UploadLog) -> None:
        upload = awaited()
        log.add(upload)
        assert log.claim("acme", upload.id, PHOTO) == replace(upload, photo=PHOTO)
        assert log.claim("acme", upload.id, PHOTO) == replace(upload, photo=PHOTO) == log.find("acme", upload.id)

    def test_no_second_photo_claims_it_nor_one_of_another_tenant(self, log: UploadLog) -> None:
        upload = awaited()
        log.add(upload)
        assert log.claim("rival", upload.id, PHOTO) is None
        log.claim("acme", upload.id, PHOTO)
        assert log.claim("acme", upload.id, OTHER) is None
        assert log.claim("acme", new_upload_id(), PHOTO) is None

    def test_of_many_photos_at_once_one_claims_it(self, log: UploadLog, open_again: Callable[[], UploadLog]) -> None:
        upload = awaited()
        log.add(upload)
        photos = [replace(PHOTO, version=f"v{number}") for number in range(8)]
        logs = [open_again() for _ in photos]
        with ThreadPoolExecutor(len(photos)) as pool:
            claims = list(pool.map(lambda log, photo: log.claim("acme", upload.id, photo), logs, photos))
        (winner,) = [claim for claim in claims if claim]
        assert log.find("acme", upload.id) == winner

    def test_the_first_to_finish_an_upload_is_the_one_that_stands(self, log: UploadLog) -> None:
        upload = awaited()
        log.add(upload)
        first = done(upload)
        assert log.finish(first) == first
        late = replace(first, status=UploadStatus.FAILED, face_count=None, code="no_face")
        assert log.finish(late) == first == log.find("acme", upload.id)
        assert log.claim("acme", upload.id, PHOTO) == first

    def test_an_upload_that_nobody_awaited_can_be_finished_and_fail(self, log: UploadLog) -> None:
        upload = replace(
            done(awaited(PHOTO.id)), status=UploadStatus.FAILED, face_count=None, code="unsupported_image", task=None
        )
        assert log.finish(upload) == upload == log.find("acme", PHOTO.id)

    def test_of_many_that_finish_at_once_one_stands(self, log: UploadLog, open_again: Callable[[], UploadLog]) -> None:
        upload = awaited(PHOTO.id)
        answers = [done(upload, NOW + timedelta(seconds=number), number) for number in range(8)]
        logs = [open_again() for _ in answers]
        with ThreadPoolExecutor(len(answers)) as pool:
            stands = set(pool.map(lambda log, answer: log.finish(answer).face_count, logs, answers))
        assert len(stands) == 1

    def test_that_it_was_announced_is_remembered(self, log: UploadLog) -> None:
        upload = done(awaited())
        log.finish(upload)
        log.set_announced("acme", upload.id)
        log.set_announced("acme", upload.id)
        assert log.find("acme", upload.id) == replace(upload, announced=True)

    def test_finished_uploads_are_listed_by_time_page_by_page(self, log: UploadLog) -> None:
        uploads = [done(awaited(), NOW + timedelta(minutes=minute)) for minute in (3, 1, 2, 1)]
        for upload in uploads:
            log.finish(upload)
        log.add(awaited())
        log.finish(done(awaited(tenant="rival")))
        listed, after = [], None
        while True:
            page = log.finished("acme", NOW, NOW + timedelta(minutes=3), limit=2, after=after)
            assert len(page.uploads) <= 2
            listed += page.uploads
            after = page.next_after
            if after is None:
                break
        assert [upload.completed_at for upload in listed] == [NOW + timedelta(minutes=m) for m in (1, 1, 2)]
        assert {upload.id for upload in listed} == {upload.id for upload in uploads[1:]}
        assert log.finished("acme", NOW + timedelta(minutes=3), NOW + timedelta(hours=1), limit=9).uploads == [
            uploads[0]
        ]

    def test_after_its_retention_an_upload_is_forgotten(self, log: UploadLog, clock: FakeClock) -> None:
        upload, pending = done(awaited()), awaited()
        log.finish(upload)
        log.add(pending)
        clock.now = NOW + RETENTION - timedelta(seconds=1)
        assert log.find("acme", upload.id) == upload
        clock.now = NOW + RETENTION + timedelta(seconds=1)
        assert log.find("acme", upload.id) is None
        assert log.find("acme", pending.id) is None
        assert log.finished("acme", NOW, NOW + timedelta(days=1), limit=9).uploads == []

    def test_rules_are_a_tenants_own_and_empty_until_they_are_set(self, log: UploadLog) -> None:
        assert log.rules("acme") == UploadRules()
        rules = UploadRules(
            tasks={"door/": Task(TaskKind.RECOGNISE, "staff", "fmr_1e-5"), "": Task(TaskKind.EMOTION)},
            webhook=Webhook("https://example.com/hook", "secret", "old secret", NOW),
            without=frozenset({Feature.GENDER}),
        )
        log.set_rules("acme", rules)
        assert log.rules("acme") == rules
        assert log.rules("rival") == UploadRules()
        log.set_rules("acme", UploadRules())
        assert log.rules("acme") == UploadRules()
