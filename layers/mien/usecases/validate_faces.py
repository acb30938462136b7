"""Do two photos show the same person?"""

from __future__ import annotations

from dataclasses import dataclass

from mien.domain.matching import Comparison, compare
from mien.usecases.probe import FaceReader, Probe


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome, and both faces."""

    comparison: Comparison
    first: Probe
    second: Probe


def validate_faces(reader: FaceReader, first: bytes, second: bytes, policy: str) -> Validation:
    """Compare the one face of each of two JPEG, PNG or WebP files at a policy's false-match rate.

    Raises:
        ImageError: an image is of another kind, too large, or cannot be decoded.
        FaceError: an image shows no face, or several.

    """
    a, b = reader.read_one(first, "first image"), reader.read_one(second, "second image")
    return Validation(compare(a.embedding, b.embedding, reader.embedder.calibration, policy), a, b)
