"""face-api's expression network, which helps to teach ours on photos that nobody labelled."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from mien import settings
from mien.vision.manifest import MANIFEST_NAME, load_manifest
from models.builder.convert import faceapi_expression
from models.builder.fetch import fetch, read_members
from models.training.augment import NONE, views

MODELS = settings.CHECKOUT / "models"
SIDE = 112


def faceapi_logits(chips: Tensor, scale: float, down: float) -> Tensor:
    """What face-api's network says of stored (n, 3, size, size) BGR chips, in the order of the manifest's labels."""
    spec = load_manifest(MODELS / MANIFEST_NAME).for_task("expression")
    if spec.source is None:
        raise ValueError("The manifest's expression network has no part of face-api's.")
    files = read_members(fetch(spec.source, MODELS / "cache"), spec.source.members)
    session = ort.InferenceSession(faceapi_expression(spec, files).SerializeToString())
    seen = (views(part, SIDE, scale, NONE, torch.Generator(), down).numpy() for part in chips.split(64))
    return torch.from_numpy(np.concatenate([session.run(None, {spec.input.name: part})[0] for part in seen]))
