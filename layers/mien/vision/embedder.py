"""From faces to embeddings that are close when the person is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace
from mien.domain.matching import Embedding, MatchCalibration
from mien.vision.chips import FaceChips
from mien.vision.decode import Image
from mien.vision.engine import Engine, ModelFolder
from mien.vision.face_network import FaceNetwork
from mien.vision.manifest import Manifest, ModelSpec


class FaceEmbedder:
    """Embeds faces."""

    @classmethod
    def of(cls, models: ModelFolder) -> FaceEmbedder:
        """Load the network from an open folder. Raises ConfigurationError."""
        return cls(models.engine("embedding"), embedding_space(models.manifest))

    def __init__(self, engine: Engine, space: str) -> None:
        """Raises ConfigurationError when the model is not calibrated."""
        self._network = FaceNetwork(engine)
        self.model, self.space = engine.spec.id, space
        self.dimensions = embedding_dimensions(engine.spec)
        if engine.spec.matching is None:
            raise ConfigurationError(f"The manifest does not say what cosines of {engine.spec.id} mean.")
        self.calibration: MatchCalibration = engine.spec.matching

    def embed(self, image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        """One embedding for each face of an upright BGR image."""
        (vectors,) = self._network.run(FaceChips(image, faces))
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return [Embedding(vector, self.space) for vector in unit]


def embedding_space(manifest: Manifest) -> str:
    """The name of the space that embeddings lie in: the network's id, and a digest that changes with its weights, its
    crop, its preprocessing, or how the points are found that it is aligned on.

    Raises:
        ConfigurationError: the manifest names no such networks.

    """
    embedding, landmarks = manifest.for_task("embedding"), manifest.for_task("landmarks")
    parts = [(spec.sha256, spec.crop, spec.input) for spec in (embedding, landmarks)]
    return f"{embedding.id}@{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"


def embedding_dimensions(spec: ModelSpec) -> int:
    """How many values a model's embeddings have. Raises ConfigurationError when it does not say."""
    size = spec.outputs[0].shape[-1]
    if size is None:
        raise ConfigurationError(f"The manifest does not say how long the embeddings of {spec.id} are.")
    return size
