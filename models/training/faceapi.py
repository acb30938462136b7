"""What face-api's network says of the expressions of stored chips."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from models.builder.__main__ import read_files
from models.builder.convert import faceapi_expression
from models.training.augment import plain_views
from models.training.fitting import AT_ONCE
from models.training.product import EXPRESSION, SEEN


def faceapi_logits(chips: Tensor) -> Tensor:
    """Of stored (n, c, size, size) chips, as the product would cut them, in the order of Sentiment; (n, 7)."""
    session = ort.InferenceSession(faceapi_expression(EXPRESSION, read_files(EXPRESSION)).SerializeToString())
    (given,) = session.get_inputs()
    seen = (plain_views(part, SEEN).numpy() for part in chips.split(AT_ONCE))
    return torch.from_numpy(np.concatenate([session.run(None, {given.name: part})[0] for part in seen]))


def together(ours: Tensor, theirs: Tensor) -> Tensor:
    """What logits of ours (n, 7) and face-api's say as one; (n, 7)."""
    calibrated = theirs / EXPRESSION.operating_point("faceapi_temperature")
    return (ours.log_softmax(dim=1) + calibrated.log_softmax(dim=1)) / 2
