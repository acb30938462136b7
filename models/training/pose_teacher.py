"""A published network that teaches ours the pose of heads."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import onnxruntime as ort

from mien.domain.faces import DetectedFace, HeadPose
from mien.domain.geometry import FloatArray
from mien.vision.chips import crop_transform, cut_chip, eye_line_angle
from mien.vision.decode import Image
from mien.vision.engine import softmax, to_tensor
from mien.vision.manifest import Crop, Input, load_manifest
from models.builder.__main__ import CACHE, MANIFEST
from models.builder.fetch import fetch, read_members


class PoseTeacher:
    """faceplugin's head pose network, which sees a face with its eye line level.

    It says 66 bins of 3 degrees of each angle (HopeNet's scheme: Ruiz, Chong and Rehg, 2018). The biases make what it
    says of a photo and of its mirror image opposite.
    """

    MEMBER = "package/model/fr_pose.onnx"
    CROP = Crop("level", 1.0)
    INPUT = Input("input", (1, 3, 224, 224), "RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    YAW_BIAS, ROLL_BIAS = -1.5, -1.7

    @cached_property
    def _session(self) -> ort.InferenceSession:
        source = load_manifest(MANIFEST).for_task("embedding").source
        if source is None:
            raise ValueError("The manifest's embedding network is of no package.")
        files = read_members(fetch(source, CACHE), [self.MEMBER])
        return ort.InferenceSession(files[self.MEMBER])

    def pose(self, image: Image, face: DetectedFace) -> HeadPose:
        """The pose of a face of an upright BGR image."""
        side = self.INPUT.shape[2] or 0
        chip = cut_chip(image, crop_transform(face, self.CROP, side, side), side, side)
        outputs = self._session.run(None, {self.INPUT.name: to_tensor(chip[None], self.INPUT)})
        yaw, pitch, roll = (_expected_degrees(logits) for logits in outputs)
        return HeadPose(self.YAW_BIAS - yaw, pitch, eye_line_angle(face) + roll - self.ROLL_BIAS)


def _expected_degrees(logits: FloatArray) -> float:
    bins = np.arange(logits.shape[1]) * 3.0 - 99.0
    return float((softmax(logits) @ bins)[0])
