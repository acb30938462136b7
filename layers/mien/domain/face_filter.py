"""Which faces of an image are wanted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """Which of the detected faces are wanted: the largest `max_faces`, of at least `min_face_size` pixels on the
    shorter side and the given detection probability (None: the detector's own operating point).
    """

    max_faces: int = 100
    min_face_size: int = 0
    min_detection_probability: float | None = None
