"""How a face looks: apparent age, perceived gender, and where the head is turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mien.domain.errors import ConfigurationError
from mien.domain.faces import Age, Gender, GenderEstimate, HeadPose
from mien.domain.geometry import FloatArray
from mien.vision.chips import FaceChips, turn_of
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork


@dataclass(frozen=True, slots=True)
class Looks:
    """Of one face."""

    age: Age
    gender: GenderEstimate
    pose: HeadPose


class Raw(NamedTuple):
    """What the network says: logits of the bands of age (n, b) and of the genders (n, 2); yaw, pitch and roll of the
    chip in degrees (n, 3).
    """

    ages: FloatArray
    genders: FloatArray
    pose: FloatArray


class LooksEstimator:
    """Says how old a face looks, of which gender, and where it is turned."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model's outputs are not its bands of age, the genders and a pose."""
        spec = engine.spec
        labels = [output.labels for output in spec.outputs]
        bands = {spec.outputs[0].shape[1], len(spec.age_bands) - 1, len(spec.age_prior)}
        if labels != [(), tuple(Gender), ()] or len(bands) != 1:
            raise ConfigurationError(f"The model {spec.id} does not name its ages and the genders.")
        self._network = FaceNetwork(engine)
        self.age_bands = spec.age_bands
        self._age_prior = np.log(spec.age_prior, dtype=np.float32)
        self._age_temperature = spec.operating_point("age_temperature")
        self._gender_temperature = spec.operating_point("gender_temperature")

    def estimate(self, seen: FaceChips) -> list[Looks]:
        """The looks of each face; at least one face."""
        raw = self.raw(seen)
        ages = softmax(raw.ages / self._age_temperature + self._age_prior).astype(float)
        genders = softmax(raw.genders / self._gender_temperature).astype(float)
        return [
            Looks(
                age=age_of(ages[i], self.age_bands),
                gender=_gender(genders[i].tolist()),
                pose=_pose(transform, *raw.pose[i].tolist()),
            )
            for i, transform in enumerate(self._network.transforms(seen))
        ]

    def raw(self, seen: FaceChips) -> Raw:
        """What the network says, before its temperatures; for fitting them."""
        return Raw(*self._network.run(seen))


def age_of(probabilities: FloatArray, bands: Sequence[float]) -> Age:
    """The median age and the middle 80 %, where each band's probability is spread evenly over its years."""
    below = np.concatenate([[0.0], np.cumsum(probabilities, dtype=np.float64)])
    low, years, high = np.interp(np.array([0.1, 0.5, 0.9]) * below[-1], below, bands).tolist()
    return Age(years, low, high)


def _pose(transform: FloatArray, yaw: float, pitch: float, roll: float) -> HeadPose:
    """The network sees what is left of a roll when the face is brought upright."""
    return HeadPose(yaw, pitch, roll + turn_of(transform))


def _gender(probabilities: list[float]) -> GenderEstimate:
    best = int(np.argmax(probabilities))
    return GenderEstimate(list(Gender)[best], probabilities[best])
