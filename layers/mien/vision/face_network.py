"""A network that looks at faces, each cut out by its own crop rule, as many in a run as memory allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.domain.errors import ConfigurationError
from mien.domain.geometry import FloatArray
from mien.vision.chips import FaceChips
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

    def run(self, seen: FaceChips) -> tuple[FloatArray, ...]:
        """The network's outputs for the faces of an image, one row a face; at least one face."""
        chips, declared = self.chips(seen), self._engine.spec.input
        batches = [chips[i : i + MAX_BATCH] for i in range(0, len(chips), MAX_BATCH)]
        outputs = [self._engine.run(to_tensor(batch, declared)) for batch in batches]
        return tuple(np.concatenate(parts) for parts in zip(*outputs, strict=True))

    def chips(self, seen: FaceChips) -> NDArray[np.uint8]:
        """What the network sees of the faces: (n, height, width, 3) BGR."""
        return seen.cut(self._crop, self.width, self.height)

    def transforms(self, seen: FaceChips) -> list[FloatArray]:
        """From pixels of the image to pixels of the chips that the network sees; (2, 3) of each face."""
        return seen.transforms(self._crop, self.width, self.height)
