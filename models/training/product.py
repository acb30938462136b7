"""What of a stored chip the product's networks see, and where the weights that are trained for them go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mien.vision.manifest import ModelSpec, load_manifest
from models.builder.__main__ import MANIFEST, ROOT
from models.training.augment import Window
from models.training.chips import SCALE

LOOKS, EXPRESSION = (load_manifest(MANIFEST).for_task(task) for task in ("age_gender", "expression"))
assert (LOOKS.crop, LOOKS.input.shape) == (EXPRESSION.crop, EXPRESSION.input.shape)
assert LOOKS.crop is not None
assert LOOKS.input.shape[2] is not None

SEEN = Window(LOOKS.input.shape[2], LOOKS.crop.scale / SCALE, LOOKS.crop.down)


def at(side: int) -> Window:
    """The same, as fine as a network takes it."""
    return replace(SEEN, side=side)


def weights_of(spec: ModelSpec) -> Path:
    """The file of a network's weights that were trained here."""
    assert spec.training is not None, spec.id
    return ROOT / spec.training.weights
