"""How a face looks: apparent age, perceived gender, and the seven sentiments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.domain.errors import ConfigurationError
from mien.domain.faces import Age, DetectedFace, Emotion, Gender, GenderEstimate, Sentiment
from mien.domain.geometry import FloatArray
from mien.vision.decode import Image
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork


class ExpressionClassifier:
    """A probability for each of the seven sentiments."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model's labels are not the seven sentiments."""
        self._network = FaceNetwork(engine)
        self.labels = tuple(map(Sentiment, engine.spec.labels))
        if set(self.labels) != set(Sentiment):
            raise ConfigurationError(f"The model {engine.spec.id} does not name the seven sentiments.")
        self._temperature = engine.spec.operating_point("temperature")

    def classify(self, image: Image, faces: Sequence[DetectedFace]) -> list[Emotion]:
        """One emotion for each face of an upright BGR image."""
        columns = [self.labels.index(sentiment) for sentiment in Sentiment]
        rows = softmax(self.logits(image, faces)[:, columns] / self._temperature).astype(float)
        return [Emotion(dict(zip(Sentiment, row, strict=True))) for row in rows.tolist()]

    def logits(self, image: Image, faces: Sequence[DetectedFace]) -> FloatArray:
        """What the network says before its temperature, in the order of its labels; for fitting it."""
        (logits,) = self._network.run(image, faces)
        return logits


class AgeGenderEstimator:
    """Apparent age in years with its 80 % range, and perceived gender."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model's labels are not the genders, or it has no age curve."""
        self._network = FaceNetwork(engine)
        self._labels = tuple(map(Gender, engine.spec.labels))
        if set(self._labels) != set(Gender) or not engine.spec.age_curve:
            raise ConfigurationError(f"The model {engine.spec.id} lacks its genders or its age curve.")
        self._curve = np.array(engine.spec.age_curve)

    def estimate(self, image: Image, faces: Sequence[DetectedFace]) -> list[tuple[Age, GenderEstimate]]:
        """One age and gender for each face of an upright BGR image."""
        raw_ages, gender_logits = self._network.run(image, faces)
        ages = [self._age(float(raw)) for raw in raw_ages[:, 0]]
        return list(zip(ages, map(self._gender, softmax(gender_logits).tolist()), strict=True))

    def raw_ages(self, image: Image, faces: Sequence[DetectedFace]) -> list[float]:
        """What the network says before the age curve; for fitting the curve."""
        raw_ages, _ = self._network.run(image, faces)
        return raw_ages[:, 0].tolist()

    def _age(self, raw: float) -> Age:
        years, low, high = (float(np.interp(raw, self._curve[:, 0], self._curve[:, i])) for i in (1, 2, 3))
        return Age(years, low, high)

    def _gender(self, probabilities: list[float]) -> GenderEstimate:
        best = int(np.argmax(probabilities))
        return GenderEstimate(self._labels[best], float(probabilities[best]))
