"""How much face-api's logits should weigh beside those of Mien's expression network.

`python -m models.training.weigh DATA` prints how right the sum is on what is held out for choosing; the weight is what
the manifest calls `faceapi_weight`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from models.training.chips import fer2013
from models.training.command import run
from models.training.faceapi import faceapi_logits, logits_of
from models.training.product import EXPRESSION, weights_of
from models.training.sets import balanced_accuracy, pictures_of

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)


def weigh(data: Path) -> None:
    """Print the table."""
    pictures = pictures_of(fer2013(data), Part.CHOOSING)
    labels = pictures.sentiments.argmax(dim=1)
    ours, theirs = logits_of(weights_of(EXPRESSION).read_bytes(), pictures.chips), faceapi_logits(pictures.chips)
    print("face-api  class-balanced  surprise where all are as frequent")
    for weight in WEIGHTS:
        logits = ours + weight * theirs
        print(f"{weight:>8.2f}  {balanced_accuracy(logits, labels):>14.3f}  {least_surprise(logits, labels):.3f}")


def least_surprise(logits: Tensor, labels: Tensor) -> float:
    """The cross-entropy at the best temperature, where all sentiments are as frequent."""
    weights = 1.0 / torch.bincount(labels).clamp(min=1)
    return min(
        float(F.cross_entropy(logits / temperature, labels, weights[: logits.shape[1]]))
        for temperature in (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4.0)
    )


if __name__ == "__main__":
    run("models.training.weigh", __doc__, weigh)
