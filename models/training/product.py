"""What of a stored chip the product's network sees, and where the weights that are trained for it go."""

from __future__ import annotations

from mien.vision.manifest import load_manifest
from models.builder.__main__ import MANIFEST, ROOT
from models.builder.convert import FACEAPI_SIDE
from models.training.augment import Window
from models.training.chips import SCALE

SPEC = load_manifest(MANIFEST).for_task("expression")
assert SPEC.crop is not None
assert SPEC.training is not None
assert SPEC.input.shape[2] is not None

ATTRIBUTES, EXPRESSION = (ROOT / name for name in SPEC.training.weights)

# The product's crop shows more than ArcFace's template, which ends at the mouth: chin and hair tell of age and gender.
CHIP = SPEC.input.shape[2]
WHOLE = Window(CHIP, SPEC.crop.scale / SCALE, SPEC.crop.down)
MIDDLE = Window(FACEAPI_SIDE, WHOLE.scale * FACEAPI_SIDE / CHIP, WHOLE.down * CHIP / FACEAPI_SIDE)
"""What the expression network and face-api's see."""
