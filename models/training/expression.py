"""Train Mien's expression network. `python -m models.training.expression DATA`; part of `make train DATA=folder`.

It learns from FER2013's training set, whose labels many people dispute, so that a share of them is what teachers say;
and from FairFace's photos, whose expressions nobody labelled, what teachers say alone. In a first course the teachers
are var/teacher.pt and face-api's network, and later also what has been learnt here. In two more, of milder views, it
goes on from there at new rates, and is taught above all by what it knew before. That network is larger than need be: a
slim one, made of its most important channels, learns in a last course what the large one says of the very same views.
It ends with models/weights/expression.onnx.
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
from mien import settings
from mien.domain.faces import Sentiment
from models.training.augment import Augmentation, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.expression_network import LARGE, VIEW, ExpressionNet, slimmed
from models.training.faceapi import faceapi_logits, together
from models.training.fitting import Fitting, in_halves, seeded
from models.training.product import EXPRESSION, weights_of
from models.training.sets import (
    PHOTO_VIEWS,
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

LARGE_NET = settings.CHECKOUT / "var" / "expression.pt"

KNOWN_SHARE = 2 / 3  # of what teaches the next course, for what was learnt in those before
OWN_SHARE = 1 / 3  # of what teaches the later epochs of a course, for what has been learnt in it
GUIDED_SHARE = 0.6  # of what teaches the slim network, for what the large one says of the same view
TRIED = 600  # pictures by which channels are judged
WEIGHT_DECAY = 5e-2


@dataclass(frozen=True)
class Course:
    """How a network is taught: which share of the targets of FER2013's pictures teachers have, how far views of the
    pictures differ, and the epoch from which the averaged weights are one of the teachers.
    """

    seed: int
    epochs: int
    peak_rate: float
    teacher_share: float
    views: Augmentation
    own_from: int | None = None


MILD = Augmentation(
    turn=10.0, zoom=0.12, shift=0.05, contrast=0.3, brightness=30.0, gamma=0.3, coarse=0.2, erase=0.1, noise=5.0
)
COURSES = (
    Course(20261122, 30, 2e-3, 0.4, Augmentation(), 14),
    Course(20261123, 24, 1.2e-3, 0.5, MILD, 12),
    Course(20261124, 30, 1e-3, 0.6, MILD, 15),
)
SLIM_COURSE = Course(20261125, 24, 1e-3, 0.6, MILD)

Shown = tuple[Pictures, Photos]
Logits = tuple[Tensor, Tensor]  # of pictures (n, 7) and of photos (m, 7)


def train(data: Path) -> None:
    """Fit the large network in one course after the other, then the slim one; what a course ends with is written."""
    if not TEACHER.exists():
        raise SystemExit("The teacher is not there. Run `python -m models.training.teacher` first.")
    fer, fair = fer2013(data), fairface(data)
    shown = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    held_out = pictures_of(fer, Part.CHOOSING)
    teacher = torch.load(TEACHER, weights_only=False)
    teachers = of_both(shown, lambda chips: together(teacher.said(chips), faceapi_logits(chips)))
    torch.manual_seed(COURSES[0].seed)
    large = ExpressionNet(len(Sentiment), LARGE)
    for course in COURSES:
        large = fitted(large, shown, teachers, held_out, course)
        torch.save(large, LARGE_NET)
        teachers = mixed(teachers, of_both(shown, partial(said_both_ways, large)), KNOWN_SHARE)
    slim = fitted(slimmed(large, shown[0].chips[:TRIED]), shown, teachers, held_out, SLIM_COURSE, large)
    export(slim, VIEW.side, ["sentiments"], weights_of(EXPRESSION))


def fitted(
    net: ExpressionNet,
    shown: Shown,
    teachers: Logits,
    held_out: Pictures,
    course: Course,
    guide: ExpressionNet | None = None,
) -> ExpressionNet:
    """The network after a course, its weights averaged; a guide tells it of every view."""
    rng = seeded(course.seed)
    if guide is not None:
        guide.eval()
    pictures, photos = taught(*shown, *teachers, course.teacher_share)
    fitting = Fitting(net, course.epochs * steps_of_epoch(pictures), course.peak_rate, WEIGHT_DECAY)
    for epoch in range(course.epochs):
        if epoch == course.own_from:
            own = of_both(shown, fitting.average.said)
            pictures, photos = taught(*shown, *mixed(teachers, own, OWN_SHARE), course.teacher_share)
        fitting.learn_all(
            loss(fitting.net, (pictures, some), (photos, others), course.views, rng, guide)
            for some, others in batches(pictures, photos, rng)
        )
        right = balanced_accuracy(fitting.average.said(held_out.chips), held_out.sentiments.argmax(dim=1))
        print(f"epoch {epoch}: class-balanced {right:.3f} on held out", flush=True)
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
    guide: ExpressionNet | None,
) -> Tensor:
    """What is wrong with what the network says of these rows of pictures and of photos."""
    (pictures, p), (photos, q) = some, others
    assert photos.sentiments is not None
    seen = torch.cat(
        [views(pictures.chips[p], VIEW, how, rng).pixels, views(photos.chips[q], VIEW, PHOTO_VIEWS, rng).pixels]
    )
    targets = torch.cat([pictures.sentiments[p], photos.sentiments[q]])
    priors = torch.cat([pictures.prior.expand(len(p), -1), torch.zeros(len(q), len(pictures.prior))])
    if guide is not None:
        with torch.no_grad():
            told = as_learning(guide, seen)
        targets = torch.lerp(targets, (told + priors).softmax(dim=1), GUIDED_SHARE)
    wrong = F.cross_entropy(as_learning(net, seen) + priors, targets, reduction="none")
    return wrong.sum() / PICTURES


def as_learning(net: ExpressionNet, seen: Tensor) -> Tensor:
    """What a network says of views, computed as coarsely as is good enough for learning."""
    with in_halves():
        says: Tensor = net(seen)
    return says.float()


if __name__ == "__main__":
    run("models.training.expression", __doc__, train)
