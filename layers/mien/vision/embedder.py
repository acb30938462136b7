"""From faces to embeddings that are close when the person is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace
from mien.domain.matching import Embedding, MatchCalibration
from mien.vision.decode import Image
from mien.vision.engine import Engine
from mien.vision.face_network import FaceNetwork
from mien.vision.manifest import ModelSpec


class FaceEmbedder:
    """Embeds faces."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the model is not calibrated."""
        self._network = FaceNetwork(engine)
        self.space = embedding_space(engine.spec)
        self.dimensions = embedding_dimensions(engine.spec)
        if engine.spec.matching is None:
            raise ConfigurationError(f"The manifest does not say what cosines of {engine.spec.id} mean.")
        self.calibration: MatchCalibration = engine.spec.matching

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """One embedding for each face of an upright BGR image."""
        (vectors,) = self._network.run(image, faces)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return [Embedding(vector, self.space) for vector in unit]


def embedding_space(spec: ModelSpec) -> str:
    """The name of the space a model's embeddings lie in: its id, and a digest that changes with its weights, its crop
    or its preprocessing.
    """
    digest = hashlib.sha256(repr((spec.sha256, spec.crop, spec.input)).encode()).hexdigest()
    return f"{spec.id}@{digest[:8]}"


def embedding_dimensions(spec: ModelSpec) -> int:
    """How many values a model's embeddings have. Raises ConfigurationError when it does not say."""
    size = spec.outputs[0].shape[-1]
    if size is None:
        raise ConfigurationError(f"The manifest does not say how long the embeddings of {spec.id} are.")
    return size
