"""Which of the faces in a photo a caller wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # functions that look at no face read filters too, and load no numpy
    from mien.domain.faces import DetectedFace


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """Which of the detected faces are wanted: the largest `max_faces`, of at least `min_face_size` pixels on the
    shorter side and the given detection probability (None: the detector's own operating point).
    """

    max_faces: int = 100
    min_face_size: float = 0
    min_detection_probability: float | None = None

    def seen_at(self, scale: float) -> FaceFilter:
        """The same of faces in an image that is smaller than the photo by this factor."""
        return replace(self, min_face_size=self.min_face_size / scale)

    def of(self, detected: tuple[DetectedFace, ...]) -> tuple[DetectedFace, ...]:
        """Those of detected faces, largest first, that are wanted; their probability was asked of the detector."""
        large_enough = [f for f in detected if min(f.box.width, f.box.height) >= self.min_face_size]
        return tuple(large_enough[: self.max_faces])
