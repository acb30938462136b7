"""What of a stored chip the product's networks see, and where the weights that are trained for them go."""

from __future__ import annotations

from dataclasses import replace

from mien.vision.manifest import load_manifest
from models.builder.__main__ import MANIFEST, ROOT
from models.training.augment import Window
from models.training.chips import SCALE

SPEC = load_manifest(MANIFEST).for_task("expression")
assert SPEC.crop is not None
assert SPEC.training is not None
assert SPEC.input.shape[2] is not None

LOOKS, EXPRESSION = (ROOT / name for name in SPEC.training.weights)

SEEN = Window(SPEC.input.shape[2], SPEC.crop.scale / SCALE, SPEC.crop.down)


def at(side: int) -> Window:
    """The same, as fine as a network takes it."""
    return replace(SEEN, side=side)
