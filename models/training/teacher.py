"""What networks say of the expressions of stored chips: those that we trained, and face-api's."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from models.builder.__main__ import read_files
from models.builder.convert import faceapi_expression
from models.training.augment import Window, plain_views
from models.training.product import ATTRIBUTES, EXPRESSION, MIDDLE, SPEC, WHOLE

FACEAPI_TEMPERATURE = 5.46


def attributes_logits(chips: Tensor) -> Tensor:
    """What the attributes network, as trained, says of the sentiments of stored (n, 3, size, size) chips; (n, 7)."""
    return _sentiments(ATTRIBUTES.read_bytes(), chips, WHOLE)


def expression_logits(chips: Tensor) -> Tensor:
    """What the expression network, as trained, says of them; (n, 7)."""
    return _sentiments(EXPRESSION.read_bytes(), chips, MIDDLE)


def faceapi_logits(chips: Tensor) -> Tensor:
    """What face-api's network says of them, in the order of Sentiment; (n, 7)."""
    return _sentiments(faceapi_expression(SPEC, read_files(SPEC)).SerializeToString(), chips, MIDDLE)


def together(ours: Tensor, theirs: Tensor) -> Tensor:
    """What our logits (n, 7) and face-api's say as one; (n, 7)."""
    return (ours.log_softmax(dim=1) + (theirs / FACEAPI_TEMPERATURE).log_softmax(dim=1)) / 2


def _sentiments(network: bytes, chips: Tensor, window: Window) -> Tensor:
    """A network's first output for this part of each of the chips."""
    session = ort.InferenceSession(network)
    (given,), first = session.get_inputs(), session.get_outputs()[0].name
    seen = (plain_views(part, window).numpy() for part in chips.split(64))
    return torch.from_numpy(np.concatenate([session.run([first], {given.name: part})[0] for part in seen]))
