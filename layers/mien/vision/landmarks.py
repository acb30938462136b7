"""Where eyes, nose and mouth are, to a fraction of what the detector says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from mien.domain.faces import DetectedFace
from mien.domain.geometry import FloatArray, Landmarks5
from mien.vision.chips import FaceChips
from mien.vision.decode import Image
from mien.vision.engine import Engine
from mien.vision.face_network import FaceNetwork

# Of iBUG 300-W's 68 points, counted from 0: those whose mean is each of the five, in the order of Landmarks5.
_POINTS_OF = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))
_SHARES = np.array([[(i in points) / len(points) for i in range(68)] for points in _POINTS_OF], dtype=np.float32)


class LandmarkLocaliser:
    """Finds the five points of faces that were detected."""

    def __init__(self, engine: Engine) -> None:
        self._network = FaceNetwork(engine)

    def localise(self, image: Image, faces: Sequence[DetectedFace]) -> tuple[DetectedFace, ...]:
        """The faces of an upright BGR image with new landmarks; at least one face."""
        seen = FaceChips(image, faces)
        (points,) = self._network.run(seen)  # 0-1 of the chip
        size = np.array([self._network.width, self._network.height], dtype=np.float32)
        five = _SHARES @ points.reshape(len(faces), -1, 2) * size
        return tuple(
            replace(face, landmarks=_in_image(in_chip, to_chip))
            for face, in_chip, to_chip in zip(faces, five, self._network.transforms(seen), strict=True)
        )


def _in_image(points: FloatArray, to_chip: FloatArray) -> Landmarks5:
    """Five points of a chip, (5, 2), in pixels of the image that the (2, 3) transform takes to it."""
    to_image = cv2.invertAffineTransform(to_chip)
    return Landmarks5.from_array(points @ to_image[:, :2].T + to_image[:, 2])
