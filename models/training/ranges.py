"""Measure what the tensors of Mien's expression network lie between. `python -m models.training.ranges DATA`; part of
`make train DATA=folder`.

It is asked of photos that are held out of training for such measurements, those of FER2013 and of FairFace. It ends
with the file of ranges beside the network's weights, by which the build rounds to eight bits.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor

from bench.labelled import Part
from models.builder.__main__ import ROOT, read_files
from models.builder.convert import TRAINED_HERE, plain
from models.builder.static_int8 import Range, inner_tensors, telling
from models.training.augment import plain_views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.fitting import AT_ONCE
from models.training.product import EXPRESSION, SEEN
from models.training.sets import photos_of, pictures_of

DIGITS = 4


def measure(data: Path) -> None:
    """Write the least and greatest value of each tensor that is to be rounded."""
    training = EXPRESSION.training
    assert training is not None
    assert training.ranges is not None
    spec = replace(EXPRESSION, training=replace(training, ranges=None))  # they are not there yet
    model = plain(spec, read_files(spec))
    inner = [name for name in inner_tensors(model) if name.startswith(f"{TRAINED_HERE}/")]
    sets = pictures_of(fer2013(data), Part.CALIBRATION).chips, photos_of(fairface(data), Part.CALIBRATION).chips
    chips = torch.cat([plain_views(each, SEEN) for each in sets])
    ranges = ranges_of(model, inner, chips)
    text = ",\n".join(f" {json.dumps(name)}: {json.dumps(between)}" for name, between in ranges.items())
    (ROOT / training.ranges).write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def ranges_of(model: onnx.ModelProto, names: list[str], chips: Tensor) -> dict[str, Range]:
    """Between what these tensors of a network lie when it sees (n, 3, side, side) chips."""
    session = ort.InferenceSession(telling(model, names).SerializeToString())
    (given,) = session.get_inputs()
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    for part in chips.split(AT_ONCE):
        values = session.run(names, {given.name: part.numpy()})
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
    return {name: (_rounded(a), _rounded(b)) for name, a, b in zip(names, low, high, strict=True)}


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


if __name__ == "__main__":
    run("models.training.ranges", __doc__, measure)
