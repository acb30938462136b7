"""Where eyes, nose and mouth are, to a fraction of what the detector says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.domain.faces import DetectedFace
from mien.domain.geometry import FloatArray, Landmarks5
from mien.vision.chips import FaceChips
from mien.vision.decode import Image
from mien.vision.engine import Engine
from mien.vision.face_network import FaceNetwork

# Of iBUG 300-W's 68 points, counted from 0: those whose mean is each of the five, in the order of Landmarks5.
_POINTS_OF = ((37, 38, 40, 41), (43, 44, 46, 47), (30,), (48, 60), (54, 64))


class LandmarkLocaliser:
    """Finds the five points of faces that were detected."""

    def __init__(self, engine: Engine) -> None:
        self._network = FaceNetwork(engine)

    def localise(self, image: Image, faces: Sequence[DetectedFace]) -> tuple[DetectedFace, ...]:
        """The faces of an upright BGR image with new landmarks; at least one face."""
        seen = FaceChips(image, faces)
        (points,) = self._network.run(seen)
        return tuple(
            replace(face, landmarks=self._landmarks(to_chip, row.reshape(-1, 2)))
            for face, to_chip, row in zip(faces, self._network.transforms(seen), points, strict=True)
        )

    def _landmarks(self, to_chip: FloatArray, points: FloatArray) -> Landmarks5:
        """From 68 points, 0-1 of the chip, to five in pixels of the image."""
        five = np.stack([points[list(group)].mean(axis=0) for group in _POINTS_OF])
        size = np.array([self._network.width, self._network.height], dtype=np.float32)
        in_image = (five * size - to_chip[:, 2]) @ np.linalg.inv(to_chip[:, :2]).T
        return Landmarks5.from_array(in_image)
