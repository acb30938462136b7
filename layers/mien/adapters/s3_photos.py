"""Photos and answers in S3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mien.adapters.aws import error_code, unavailable
from mien.domain.errors import ImageTooLarge, Unavailable
from mien.domain.uploads import UPLOADS, PhotoVersion
from mien.ports.clock import Clock, utc_now
from mien.ports.photo_store import LandedPhoto, PostForm

FORM_VALID = timedelta(minutes=15)

_SAID = {"mien-task": "task", "mien-collection": "collection", "mien-match-policy": "match_policy"}
"""What is said in an object's own metadata (`x-amz-meta-mien-task`)."""

_NO_LONGER = {
    "404",
    "NoSuchKey",
    "NoSuchVersion",
    "405",
    "MethodNotAllowed",  # this version is a deletion
    "412",
    "PreconditionFailed",  # another photo lies there now
}


class S3PhotoStore:
    """A PhotoStore on one bucket, which may read photos in others too. `client` is a boto3 S3 client."""

    def __init__(self, client: Any, bucket: str, clock: Clock = utc_now) -> None:
        self._client, self._bucket, self._clock = client, bucket, clock

    def version_of(self, bucket: str, key: str) -> PhotoVersion | None:
        found = self._unless_gone(self._client.head_object, Bucket=bucket, Key=key)
        if found is None:
            return None
        return PhotoVersion.of(bucket, key, found["ETag"].strip('"'), found.get("VersionId"))

    def read(self, photo: PhotoVersion, max_bytes: int) -> LandedPhoto | None:
        found = self._unless_gone(self._client.get_object, **_exactly(photo))
        if found is None:
            return None
        with unavailable("The bucket"), found["Body"] as body:
            if found["ContentLength"] > max_bytes:
                raise ImageTooLarge(f"The photo has more than the {max_bytes:,} bytes that are taken.")
            data: bytes = body.read()
        said = {name: found["Metadata"][header] for header, name in _SAID.items() if header in found["Metadata"]}
        return LandedPhoto(data, said)

    def owns(self, photo: PhotoVersion) -> bool:
        return photo.bucket == self._bucket and photo.key.startswith(UPLOADS)

    def delete(self, photo: PhotoVersion) -> None:
        self._unless_gone(self._client.delete_object, **_exactly(photo))

    def put_answer(self, key: str, answer: bytes) -> bytes:
        try:
            with unavailable("The bucket"):
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=answer, ContentType="application/json", IfNoneMatch="*"
                )
        except Unavailable as error:
            if error_code(error.__cause__) != "PreconditionFailed":
                raise
            stands = self.answer(key)
            if stands is None:
                raise
            return stands
        return answer

    def answer(self, key: str) -> bytes | None:
        found = self._unless_gone(self._client.get_object, Bucket=self._bucket, Key=key)
        if found is None:
            return None
        with unavailable("The bucket"), found["Body"] as body:
            data: bytes = body.read()
        return data

    def post_form(self, key: str, content_type: str, size: int) -> PostForm:
        # The signature also holds for the bucket, the key and the time.
        conditions = [{"Content-Type": content_type}, ["content-length-range", size, size]]
        expires_at = self._clock() + FORM_VALID
        with unavailable("The bucket"):
            form = self._client.generate_presigned_post(
                self._bucket,
                key,
                Fields={"Content-Type": content_type},
                Conditions=conditions,
                ExpiresIn=int(FORM_VALID.total_seconds()),
            )
        return PostForm(form["url"], form["fields"], expires_at)

    def close(self) -> None:
        self._client.close()

    def _unless_gone(self, call: Any, **parameters: Any) -> Mapping[str, Any] | None:
        """The answer to a call; None where what it is about is not there, or no longer."""
        try:
            with unavailable("The bucket"):
                answer: Mapping[str, Any] = call(**parameters)
        except Unavailable as error:
            if error_code(error.__cause__) in _NO_LONGER:
                return None
            raise
        return answer


def _exactly(photo: PhotoVersion) -> dict[str, str]:
    """The parameters that name a version and no other."""
    which = {"VersionId": photo.version} if photo.kept else {"IfMatch": f'"{photo.etag}"'}
    return {"Bucket": photo.bucket, "Key": photo.key, **which}
