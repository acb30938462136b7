"""How much the logits of three networks should weigh. `python -m models.training.weigh DATA`; prints a table.

On the part of FER2013's training set that is held out for choosing: the attributes network's weigh one, those of the
expression network and of face-api's what the manifest calls `expression_weight` and `faceapi_weight`.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from models.training.chips import fer2013
from models.training.command import run
from models.training.sets import balanced_accuracy, pictures_of
from models.training.teacher import attributes_logits, expression_logits, faceapi_logits

OF_EXPRESSION = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
OF_FACEAPI = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


def weigh(data: Path) -> None:
    """Print the table."""
    pictures = pictures_of(fer2013(data), Part.CHOOSING)
    chips, labels = pictures.chips.expand(-1, 3, -1, -1), pictures.sentiments.argmax(dim=1)
    looks, expression = attributes_logits(chips), expression_logits(chips)
    theirs = faceapi_logits(chips)
    print("expression  face-api  class-balanced  surprise where all are as frequent")
    for own, other in product(OF_EXPRESSION, OF_FACEAPI):
        logits = looks + own * expression + other * theirs
        right, surprise = balanced_accuracy(logits, labels), least_surprise(logits, labels)
        print(f"{own:10.2f}  {other:8.2f}  {right:14.3f}  {surprise:.3f}")


def least_surprise(logits: Tensor, labels: Tensor) -> float:
    """Cross-entropy at the best temperature, the mean of the sentiments' own."""

    def surprise(temperature: float) -> float:
        each = F.cross_entropy(logits / temperature, labels, reduction="none")
        return float(torch.stack([each[labels == kind].mean() for kind in labels.unique()]).mean())

    return min(surprise(tenths / 10) for tenths in range(5, 50))


if __name__ == "__main__":
    run("models.training.weigh", __doc__, weigh)
