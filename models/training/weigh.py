"""How much face-api's logits should weigh beside ours. `python -m models.training.weigh DATA`; prints a table.

On the part of FER2013's training set that is held out for choosing. For the manifest's `faceapi_weight`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from models.training.attributes import CHIP, MIDDLE_VIEW, VIEW, WEIGHTS, balanced_accuracy, pictures_of
from models.training.augment import Window, plain_views
from models.training.chips import fer2013
from models.training.teacher import faceapi_logits

CANDIDATES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.weigh", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    pictures = pictures_of(fer2013(parser.parse_args().data), Part.CHOOSING)
    chips, labels = pictures.chips.expand(-1, 3, -1, -1), pictures.sentiments.argmax(dim=1)
    ours, theirs = own_logits(chips), faceapi_logits(chips, MIDDLE_VIEW)
    print("weight  class-balanced  surprise where all are as frequent")
    for weight in CANDIDATES:
        logits = ours + weight * theirs
        print(f"{weight:6.2f}  {balanced_accuracy(logits, labels):14.3f}  {balanced_surprise(logits, labels):.3f}")


def own_logits(chips: Tensor) -> Tensor:
    """What the committed network says of the sentiments of stored (n, 3, size, size) chips; (n, 7)."""
    session = ort.InferenceSession(WEIGHTS)
    whole = Window(CHIP, VIEW.scale, VIEW.down)
    parts = [session.run(["sentiments"], {"chips": plain_views(part, whole).numpy()})[0] for part in chips.split(64)]
    return torch.from_numpy(np.concatenate(parts))


def balanced_surprise(logits: Tensor, labels: Tensor) -> float:
    """Cross-entropy, the mean of the sentiments' own."""
    each = F.cross_entropy(logits, labels, reduction="none")
    return float(torch.stack([each[labels == kind].mean() for kind in labels.unique()]).mean())


if __name__ == "__main__":
    main()
