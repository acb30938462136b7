"""Train Mien's expression network. `python -m models.training.expression DATA`; part of `make train DATA=folder`.

It learns from FER2013's training set, whose labels many people dispute, so that a share of them is what teachers say;
and from FairFace's photos, whose expressions nobody labelled, what teachers say alone. The teachers are the attributes
network and face-api's, and in the later epochs also what has been learnt here. It ends with
models/weights/expression.onnx.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien.domain.faces import Sentiment
from models.builder.convert import FACEAPI_SIDE
from models.training.augment import Augmentation, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.expression_network import SIDE, ExpressionNet, Shipped
from models.training.fitting import Fitting, plainly_seen
from models.training.product import EXPRESSION, MIDDLE
from models.training.sets import (
    PHOTO_VIEWS,
    PHOTOS,
    PICTURES,
    Photos,
    Pictures,
    balanced_accuracy,
    batches,
    photos_of,
    pictures_of,
    taught,
)
from models.training.teacher import attributes_logits, faceapi_logits, together

VIEW = replace(MIDDLE, side=SIDE)

SEED = 20261122
EPOCHS = 30
TAUGHT_FROM = 14  # the epoch from which the averaged weights teach too
PEAK_RATE = 2e-3
WEIGHT_DECAY = 5e-2


def train(data: Path) -> None:
    """Fit the network; its averaged weights are written after every epoch."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    fer, fair = fer2013(data), fairface(data)
    labelled, photos = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    held_out = pictures_of(fer, Part.CHOOSING)
    teachers = [_both(labelled.chips), _both(photos.chips)]
    pictures, photos = taught(labelled, photos, *teachers)

    net = ExpressionNet(len(Sentiment))
    steps = EPOCHS * (len(pictures.drawn(torch.Generator())) // PICTURES)
    fitting = Fitting(net, steps, PEAK_RATE, WEIGHT_DECAY)
    for epoch in range(EPOCHS):
        if epoch == TAUGHT_FROM:
            ours = [said(fitting.average, each.chips) for each in (labelled, photos)]
            pictures, photos = taught(
                labelled, photos, *((2 * theirs + own) / 3 for theirs, own in zip(teachers, ours, strict=True))
            )
        fitting.learn_all(
            loss(fitting.net, (pictures, some), (photos, others), rng)
            for some, others in batches(pictures, photos, rng)
        )
        right = balanced_accuracy(said(fitting.average, held_out.chips), held_out.sentiments.argmax(dim=1))
        print(f"epoch {epoch}: class-balanced {right:.3f} on held out", flush=True)
        example = torch.zeros(1, 3, FACEAPI_SIDE, FACEAPI_SIDE)
        export(Shipped(fitting.average), example, ["sentiments"], EXPRESSION)


def _both(chips: Tensor) -> Tensor:
    """What the attributes network and face-api's say of stored chips together; (n, 7)."""
    coloured = chips.expand(-1, 3, -1, -1)
    return together(attributes_logits(coloured), faceapi_logits(coloured))


def loss(
    net: ExpressionNet, some: tuple[Pictures, Tensor], others: tuple[Photos, Tensor], rng: torch.Generator
) -> Tensor:
    """What is wrong with what the network says of these rows of pictures and of photos."""
    (pictures, p), (photos, q) = some, others
    assert photos.sentiments is not None
    seen = views(pictures.chips[p].expand(-1, 3, -1, -1), VIEW, Augmentation(), rng).pixels
    too = views(photos.chips[q], VIEW, PHOTO_VIEWS, rng).pixels
    with torch.autocast("cpu", torch.bfloat16):
        says = net(torch.cat([seen, too]))
    first, rest = says.float().split([len(p), len(q)])
    wrong = F.cross_entropy(first + pictures.prior, pictures.sentiments[p])
    return wrong + PHOTOS / PICTURES * F.cross_entropy(rest, photos.sentiments[q])


def said(net: ExpressionNet, chips: Tensor) -> Tensor:
    """What the network says of stored chips as they are; (n, 7)."""
    return torch.cat(plainly_seen(net, chips, VIEW))


if __name__ == "__main__":
    run("models.training.expression", __doc__, train)
