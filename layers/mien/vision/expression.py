"""What do faces express?"""

from __future__ import annotations

from collections.abc import Sequence

from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace, Emotion, Sentiment
from mien.domain.geometry import FloatArray
from mien.vision.decode import Image
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork


class ExpressionClassifier:
    """Gives each sentiment its probability."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model's output is not the sentiments."""
        spec = engine.spec
        if [output.labels for output in spec.outputs] != [tuple(Sentiment)]:
            raise ConfigurationError(f"The model {spec.id} does not name the sentiments.")
        self._network = FaceNetwork(engine)
        self._temperature = spec.operating_point("sentiment_temperature")

    def classify(self, image: Image, faces: Sequence[DetectedFace]) -> list[Emotion]:
        """The expression of each face of an upright BGR image; at least one face."""
        probabilities = softmax(self.logits(image, faces) / self._temperature).astype(float)
        return [Emotion(dict(zip(Sentiment, row, strict=True))) for row in probabilities.tolist()]

    def logits(self, image: Image, faces: Sequence[DetectedFace]) -> FloatArray:
        """What the network says, before its temperature, (n, 7); for fitting that."""
        (logits,) = self._network.run(image, faces)
        return logits
