"""What AWS charges for a call: list prices of us-east-1 in dollars, November 2026, without free tiers. An estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mien.domain.uploads import METERED_AS, PHOTOS_AT_ONCE

GATEWAY_CALL = 3.50e-6
LAMBDA_CALL = 0.20e-6
LAMBDA_GB_SECOND = 16.6667e-6
LAMBDA_GB_SECOND_ARM = 13.3334e-6
DYNAMODB_WRITE = 0.625e-6
DYNAMODB_READ = 0.125e-6
S3_WRITE = 5.0e-6
S3_READ = 0.4e-6
EVENT = 1.0e-6
STATES_CALL = 1.0e-6
STATES_GB_SECOND = 16.67e-6


class Architecture(StrEnum):
    """What a function's image is built for, in Lambda's words."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


_GB_SECOND = {Architecture.X86_64: LAMBDA_GB_SECOND, Architecture.ARM64: LAMBDA_GB_SECOND_ARM}


@dataclass(frozen=True, slots=True)
class Work:
    """What a billed call takes: gigabyte-seconds of its function, and DynamoDB units besides the meter's one write."""

    gb_seconds: float
    reads: float = 0
    writes: float = 0
    architecture: Architecture = Architecture.X86_64

    @property
    def dollars(self) -> float:
        return (
            GATEWAY_CALL
            + LAMBDA_CALL
            + self.gb_seconds * _GB_SECOND[self.architecture]
            + self.reads * DYNAMODB_READ
            + (self.writes + 1) * DYNAMODB_WRITE
        )


_ANALYSIS = Work(gb_seconds=1.73 * 0.060)
_ENROLMENT = Work(gb_seconds=2.94 * 0.080, reads=1, writes=6)
WORK: Mapping[str, Work] = {
    "face_analytics": _ANALYSIS,
    "face_liveness": _ANALYSIS,
    "emotion-detection": Work(gb_seconds=1.0 * 0.060),
    "register_face": _ENROLMENT,
    "update_face": _ENROLMENT,
    "recognize_face": Work(gb_seconds=2.94 * 0.080, reads=1),
    "validate_faces": Work(gb_seconds=2.94 * 0.140),
}


# A photo of 12 megapixels; a third of the time is waiting for stores. Read: its row and its tenant's rules. Written:
# the row, and that it was announced, each in the index too; two rows of the meter, at twice the price in a transaction.
_PHOTO_SECONDS = 0.35
_PHOTO_GB = 2.94
_PHOTO_READS = 2
_PHOTO_WRITES = 8
_STATES_GB = 1 / 16


_PHOTO = (
    _PHOTO_SECONDS * _PHOTO_GB * LAMBDA_GB_SECOND
    + _PHOTO_READS * DYNAMODB_READ
    + _PHOTO_WRITES * DYNAMODB_WRITE
    + 2 * S3_READ
    + S3_WRITE
    + EVENT
)


def cost(by_endpoint: Mapping[str, int]) -> float:
    """About what these calls and photos cost, in dollars."""
    each = {name: work.dollars for name, work in WORK.items()} | {METERED_AS: _PHOTO + LAMBDA_CALL}
    return sum(calls * each[endpoint] for endpoint, calls in by_endpoint.items() if endpoint in each)


def batch_cost(photos: int) -> float:
    """About what it costs, in dollars, to look at photos of a back catalogue in a bucket of the same region."""
    batches = -(-photos // PHOTOS_AT_ONCE)
    a_photo = _PHOTO + _PHOTO_SECONDS * _STATES_GB * STATES_GB_SECOND
    return photos * a_photo + batches * (LAMBDA_CALL + STATES_CALL)
