"""Which adapter stands behind a port is named by an address, such as `sqlite:FILE` or `dynamodb:TABLE`.

Only the adapter that is asked for is imported: a function that stores nothing pays for no boto3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mien.domain.errors import ConfigurationError

if TYPE_CHECKING:  # what a function does not open, it does not load
    from mien.adapters.folder_photos import FolderPhotoStore
    from mien.ports.announcer import Announcer
    from mien.ports.gallery import Gallery
    from mien.ports.image_source import ImageSource
    from mien.ports.key_store import KeyStore
    from mien.ports.meter import Meter
    from mien.ports.photo_store import PhotoStore
    from mien.ports.retry_queue import RetryQueue
    from mien.ports.upload_log import UploadLog

Port = TypeVar("Port")

UPLOAD_SECRET = "upload-secret"  # noqa: S105
"""The file in a folder of photos that signs the forms to post them with."""


def open_key_store(address: str) -> KeyStore:
    """Open the key store at an address. Raises ConfigurationError when no adapter answers to it."""

    def sqlite(file: str) -> KeyStore:
        from mien.adapters.sqlite_keys import SqliteKeyStore

        return SqliteKeyStore(Path(file))

    def dynamodb(table: str) -> KeyStore:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_keys import DynamoDbKeyStore

        return DynamoDbKeyStore(client("dynamodb"), table)

    return _open("key store", address, {"sqlite:FILE": sqlite, "dynamodb:TABLE": dynamodb})


def open_meter(address: str) -> Meter:
    """Open the meter at an address. Raises ConfigurationError when no adapter answers to it."""

    def sqlite(file: str) -> Meter:
        from mien.adapters.sqlite_meter import SqliteMeter

        return SqliteMeter(Path(file))

    def dynamodb(table: str) -> Meter:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_meter import DynamoDbMeter

        return DynamoDbMeter(client("dynamodb", attempts=1), table)

    return _open("meter", address, {"sqlite:FILE": sqlite, "dynamodb:TABLE": dynamodb})


def open_gallery(address: str) -> Gallery:
    """Open the galleries at an address. Raises ConfigurationError when no adapter answers to it."""

    def sqlite(file: str) -> Gallery:
        from mien.adapters.sqlite_gallery import SqliteGallery

        return SqliteGallery(Path(file))

    def dynamodb(table: str) -> Gallery:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_gallery import DynamoDbGallery

        return DynamoDbGallery(client("dynamodb"), table)

    return _open("galleries", address, {"sqlite:FILE": sqlite, "dynamodb:TABLE": dynamodb})


def open_upload_log(address: str, retention: timedelta | None = None) -> UploadLog:
    """Open the upload log at an address. Raises ConfigurationError when no adapter answers to it."""

    def sqlite(file: str) -> UploadLog:
        from mien.adapters.sqlite_uploads import SqliteUploadLog

        return SqliteUploadLog(Path(file), retention)

    def dynamodb(table: str) -> UploadLog:
        from mien.adapters.aws import client
        from mien.adapters.dynamodb_uploads import DynamoDbUploadLog

        return DynamoDbUploadLog(client("dynamodb"), table, retention)

    return _open("upload log", address, {"sqlite:FILE": sqlite, "dynamodb:TABLE": dynamodb})


def open_photos(address: str) -> PhotoStore:
    """Open the photos and answers at an address; the URL is where a server lets photos land.

    Raises:
        ConfigurationError: no adapter answers to the address.

    """

    def s3(bucket: str) -> PhotoStore:
        from mien.adapters.aws import client
        from mien.adapters.s3_photos import S3PhotoStore

        return S3PhotoStore(client("s3"), bucket)

    return _open("photos", address, {"folder:PATH[#URL]": open_folder, "s3:BUCKET": s3})


def open_folder(place: str) -> FolderPhotoStore:
    """Open a folder of photos and answers, by its path and, after a #, where a server lets photos land."""
    from mien.adapters.folder_photos import FolderPhotoStore
    from mien.adapters.upload_forms import UploadForms

    path, posted, url = place.partition("#http:")
    forms = UploadForms(Path(path, UPLOAD_SECRET), f"http:{url}") if posted else None
    return FolderPhotoStore(Path(path), forms)


def open_announcer(address: str) -> Announcer:
    """Open what tells of finished uploads. Raises ConfigurationError when no adapter answers to the address."""

    def sqlite(file: str) -> Announcer:
        from mien.adapters.sqlite_outbox import SqliteOutbox

        return SqliteOutbox(Path(file))

    def events(bus: str) -> Announcer:
        from mien.adapters.aws import client
        from mien.adapters.event_bus import EventBusAnnouncer

        return EventBusAnnouncer(client("events"), bus)

    return _open("announcer", address, {"sqlite:FILE": sqlite, "events:BUS": events})


def open_retry_queue(address: str) -> RetryQueue:
    """Open the queue of webhooks. Raises ConfigurationError when no adapter answers to the address."""

    def sqlite(file: str) -> RetryQueue:
        from mien.adapters.sqlite_outbox import SqliteOutbox

        return SqliteOutbox(Path(file))

    def sqs(url: str) -> RetryQueue:
        from mien.adapters.aws import client
        from mien.adapters.sqs import SqsRetryQueue

        return SqsRetryQueue(client("sqs"), url)

    return _open("queue", address, {"sqlite:FILE": sqlite, "sqs:URL": sqs})


def open_image_source(fetches_urls: bool) -> ImageSource | None:
    """What fetches images from urls, where that is done."""
    if not fetches_urls:
        return None
    from mien.adapters.https_images import HttpsImageSource

    return HttpsImageSource()


def _open(what: str, address: str, adapters: Mapping[str, Callable[[str], Port]]) -> Port:
    """By what stands before the colon of an address, as before those of the adapters."""
    scheme, _, place = address.partition(":")
    by_scheme = {form.partition(":")[0]: adapter for form, adapter in adapters.items()}
    if scheme not in by_scheme or not place:
        raise ConfigurationError(f"No {what} known as {address!r}; use {' or '.join(adapters)}.")
    return by_scheme[scheme](place)
