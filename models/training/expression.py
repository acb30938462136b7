"""Train Mien's expression network. `python -m models.training.expression DATA`; part of `make train DATA=folder`.

It learns from FER2013's training set, whose labels many people dispute, so that a share of them is what teachers say;
and from FairFace's photos, whose expressions nobody labelled, what teachers say alone. In a first course the teachers
are var/teacher.pt and face-api's network, and later also what has been learnt here. In two more, of milder views, it
goes on from there at new rates, and is taught above all by what it knew before. It ends with
models/weights/expression.onnx.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien.domain.faces import Sentiment
from models.training.augment import Augmentation, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.expression_network import VIEW, ExpressionNet
from models.training.faceapi import faceapi_logits, together
from models.training.fitting import Fitting, seeded
from models.training.product import EXPRESSION, weights_of
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
    steps_of_epoch,
    taught,
)
from models.training.teacher import TEACHER

KNOWN_SHARE = 2 / 3  # of what teaches the next course, for what was learnt in those before
OWN_SHARE = 1 / 3  # of what teaches the later epochs of a course, for what has been learnt in it
WEIGHT_DECAY = 5e-2


@dataclass(frozen=True)
class Course:
    """How a network is taught: which share of the targets of FER2013's pictures teachers have, the epoch from which the
    averaged weights are one of them, and how far views of the pictures differ.
    """

    seed: int
    epochs: int
    peak_rate: float
    teacher_share: float
    own_from: int
    views: Augmentation


MILD = Augmentation(
    turn=10.0, zoom=0.12, shift=0.05, contrast=0.3, brightness=30.0, gamma=0.3, coarse=0.2, erase=0.1, noise=5.0
)
COURSES = (
    Course(20261122, 30, 2e-3, 0.4, 14, Augmentation()),
    Course(20261123, 24, 1.2e-3, 0.5, 12, MILD),
    Course(20261124, 30, 1e-3, 0.6, 15, MILD),
)

Shown = tuple[Pictures, Photos]
Logits = tuple[Tensor, Tensor]  # of pictures (n, 7) and of photos (m, 7)


def train(data: Path) -> None:
    """Fit the network in one course after the other; its averaged weights are written after every epoch."""
    if not TEACHER.exists():
        raise SystemExit("The teacher is not there. Run `python -m models.training.teacher` first.")
    fer, fair = fer2013(data), fairface(data)
    shown = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    held_out = pictures_of(fer, Part.CHOOSING)
    teacher = torch.load(TEACHER, weights_only=False)
    teachers = of_both(shown, lambda chips: together(teacher.said(chips), faceapi_logits(chips)))
    torch.manual_seed(COURSES[0].seed)
    net = ExpressionNet(len(Sentiment))
    for course in COURSES:
        net = fitted(net, shown, teachers, held_out, course)
        teachers = mixed(teachers, of_both(shown, partial(said_both_ways, net)), KNOWN_SHARE)


def fitted(net: ExpressionNet, shown: Shown, teachers: Logits, held_out: Pictures, course: Course) -> ExpressionNet:
    """The network after a course, its weights averaged."""
    rng = seeded(course.seed)
    pictures, photos = taught(*shown, *teachers, course.teacher_share)
    fitting = Fitting(net, course.epochs * steps_of_epoch(pictures), course.peak_rate, WEIGHT_DECAY)
    for epoch in range(course.epochs):
        if epoch == course.own_from:
            own = of_both(shown, fitting.average.said)
            pictures, photos = taught(*shown, *mixed(teachers, own, OWN_SHARE), course.teacher_share)
        fitting.learn_all(
            loss(fitting.net, (pictures, some), (photos, others), course.views, rng)
            for some, others in batches(pictures, photos, rng)
        )
        right = balanced_accuracy(fitting.average.said(held_out.chips), held_out.sentiments.argmax(dim=1))
        print(f"epoch {epoch}: class-balanced {right:.3f} on held out", flush=True)
        export(fitting.average, VIEW.side, ["sentiments"], weights_of(EXPRESSION))
    return fitting.average


def of_both(shown: Shown, says: Callable[[Tensor], Tensor]) -> Logits:
    """What is said of the chips of either."""
    pictures, photos = shown
    return says(pictures.chips), says(photos.chips)


def said_both_ways(net: ExpressionNet, chips: Tensor) -> Tensor:
    """What a network says of chips and of their mirror images, on average."""
    return (net.said(chips) + net.said(chips.flip(3))) / 2


def mixed(these: Logits, others: Logits, share: float) -> Logits:
    """Logits between these and others, which have this share."""
    (a, b), (c, d) = these, others
    return (1 - share) * a + share * c, (1 - share) * b + share * d


def loss(
    net: ExpressionNet,
    some: tuple[Pictures, Tensor],
    others: tuple[Photos, Tensor],
    how: Augmentation,
    rng: torch.Generator,
) -> Tensor:
    """What is wrong with what the network says of these rows of pictures and of photos."""
    (pictures, p), (photos, q) = some, others
    assert photos.sentiments is not None
    seen = views(pictures.chips[p], VIEW, how, rng).pixels
    too = views(photos.chips[q], VIEW, PHOTO_VIEWS, rng).pixels
    with torch.autocast("cpu", torch.bfloat16):
        says = net(torch.cat([seen, too]))
    first, rest = says.float().split([len(p), len(q)])
    wrong = F.cross_entropy(first + pictures.prior, pictures.sentiments[p])
    return wrong + PHOTOS / PICTURES * F.cross_entropy(rest, photos.sentiments[q])


if __name__ == "__main__":
    run("models.training.expression", __doc__, train)
