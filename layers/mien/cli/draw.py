"""Photos with their faces drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2

from mien.domain.faces import Face, ImageAnalysis
from mien.vision.decode import Image, decode

WRITTEN = {".jpg", ".jpeg", ".png"}

_COLOUR = (80, 220, 60)


def draw_faces(data: bytes, analysis: ImageAnalysis, target: Path) -> None:
    """Write the upright photo with a box, landmarks and a caption for each face: as JPEG, or PNG if so named."""
    image = decode(data)
    for face in analysis.faces:
        _draw(image, face)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() not in WRITTEN:
        target = target.with_name(f"{target.name}.jpg")
    cv2.imwrite(str(target), image)


def _draw(image: Image, face: Face) -> None:
    line = max(1, round(max(image.shape[:2]) / 500))
    box = face.detection.box
    cv2.rectangle(image, (round(box.x1), round(box.y1)), (round(box.x2), round(box.y2)), _COLOUR, line)
    for x, y in face.detection.landmarks.as_array():
        cv2.circle(image, (round(float(x)), round(float(y))), 2 * line, _COLOUR, cv2.FILLED)
    caption = f"{face.gender.value} {face.age.years:.0f} {face.emotion.value}"
    where = (round(box.x1), max(round(box.y1) - 4 * line, 12 * line))
    cv2.putText(image, caption, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * line, _COLOUR, line, cv2.LINE_AA)
