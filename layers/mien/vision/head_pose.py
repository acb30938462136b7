"""Where a head is turned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.domain.faces import DetectedFace, HeadPose
from mien.domain.geometry import FloatArray
from mien.vision.chips import eye_line_angle
from mien.vision.decode import Image
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork

# HopeNet's scheme (Ruiz, Chong and Rehg, 2018): 66 bins of 3 degrees; the angle is their expectation.
_BIN_DEGREES, _FIRST_BIN = 3.0, -99.0


class HeadPoseEstimator:
    """Yaw, pitch and roll in degrees.

    The network sees the face with its eye line level. The detector's eyes follow only part of a strong tilt, so
    the roll is the eye line's angle and what the network still sees of one.
    """

    def __init__(self, engine: Engine) -> None:
        self._network = FaceNetwork(engine)
        self.spec = engine.spec
        self._yaw_bias = engine.spec.operating_point("yaw_bias")
        self._roll_bias = engine.spec.operating_point("roll_bias")

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[HeadPose]:
        """One pose for each face of an upright BGR image; signs as HeadPose states them."""
        yaws, pitches, rolls = (expected_degrees(logits) for logits in self._network.run(image, faces))
        return [
            HeadPose(
                yaw=self._yaw_bias - float(yaw),  # the network counts turns to the subject's right
                pitch=float(pitch),
                roll=eye_line_angle(face) + float(roll) - self._roll_bias,
            )
            for face, yaw, pitch, roll in zip(faces, yaws, pitches, rolls, strict=True)
        ]


def expected_degrees(logits: FloatArray) -> FloatArray:
    """The angles, (n,), that (n, 66) logits of bins mean."""
    bins = np.arange(logits.shape[1], dtype=np.float32) * _BIN_DEGREES + _FIRST_BIN
    degrees: FloatArray = softmax(logits) @ bins
    return degrees
