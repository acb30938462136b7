"""A network that looks at faces, each cut out by its own crop rule, as many in a run as memory allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace
from mien.domain.geometry import FloatArray
from mien.vision.chips import crop_transform, cut_chip
from mien.vision.decode import Image
from mien.vision.engine import Engine, to_tensor
from mien.vision.manifest import ModelSpec

MAX_BATCH = 8  # larger ones run no faster, and the widest network holds about 10 MB of activations a face


class FaceNetwork:
    """Runs an engine on faces of an image."""

    def __init__(self, engine: Engine) -> None:
        """Raises ConfigurationError when the engine's model does not take faces of a fixed size."""
        _, _, height, width = engine.spec.input.shape
        if engine.spec.crop is None or width is None or height is None:
            raise ConfigurationError(f"The model {engine.spec.id} declares no crop of a fixed size.")
        self._engine, self._crop = engine, engine.spec.crop
        self.width, self.height = width, height

    @property
    def spec(self) -> ModelSpec:
        return self._engine.spec

    def run(self, image: Image, faces: Sequence[DetectedFace]) -> tuple[FloatArray, ...]:
        """The network's outputs for the faces of an upright BGR image, one row a face; at least one face."""
        batches = [faces[i : i + MAX_BATCH] for i in range(0, len(faces), MAX_BATCH)]
        outputs = [self._engine.run(self._tensor(image, batch)) for batch in batches]
        return tuple(np.concatenate(parts) for parts in zip(*outputs, strict=True))

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> NDArray[np.uint8]:
        """What the network sees of the faces: (n, height, width, 3) BGR."""
        return np.stack([cut_chip(image, self.transform(face), self.width, self.height) for face in faces])

    def transform(self, face: DetectedFace) -> FloatArray:
        """From pixels of the image to pixels of the chip that the network sees; (2, 3)."""
        return crop_transform(face, self._crop, self.width, self.height)

    def _tensor(self, image: Image, faces: Sequence[DetectedFace]) -> FloatArray:
        return to_tensor(self.chips(image, faces), self._engine.spec.input)
