"""What do faces express?

Two networks say it: ours, which sees 48 pixels of a side, and face-api's, which sees 112. The answer is the mean of
both where the photo has all that the latter sees. The fewer pixels there are for one of its own, the less it counts: it
was made for sharp faces, and goes wrong on others.
"""

from __future__ import annotations

import numpy as np

from mien.domain.errors import ConfigurationError
from mien.domain.faces import Emotion, Sentiment
from mien.domain.geometry import FloatArray
from mien.vision.chips import FaceChips, fineness
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork

FACEAPI_SHARE = 0.5  # at most


class ExpressionClassifier:
    """Gives each sentiment its probability."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model's outputs are not the sentiments, by either network."""
        spec = engine.spec
        if [output.labels for output in spec.outputs] != [tuple(Sentiment)] * 2:
            raise ConfigurationError(f"The model {spec.id} does not name the sentiments twice.")
        self._network = FaceNetwork(engine)
        self._temperature = spec.operating_point("sentiment_temperature")
        self._faceapi_temperature = spec.operating_point("faceapi_temperature")

    def classify(self, seen: FaceChips) -> list[Emotion]:
        """The expression of each face; at least one face."""
        ours, theirs = self.logits(seen)
        fine = np.array([[fineness(transform)] for transform in self._network.transforms(seen)], dtype=np.float32)
        share = FACEAPI_SHARE * fine
        together = (1 - share) * ours / self._temperature + share * theirs / self._faceapi_temperature
        probabilities = softmax(together).astype(float)
        return [Emotion(dict(zip(Sentiment, row, strict=True))) for row in probabilities.tolist()]

    def logits(self, seen: FaceChips) -> tuple[FloatArray, FloatArray]:
        """What our network says, and what face-api's says, before their temperatures, (n, 7); for fitting those."""
        ours, theirs = self._network.run(seen)
        return ours, theirs
