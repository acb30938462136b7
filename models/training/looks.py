"""Train Mien's network of looks. `python -m models.training.looks DATA`; part of `make train DATA=folder`.

The embedding network's later convolutions are fitted to what FairFace's training set says of age and gender, and to
what a published network says of the poses of these photos and of FER2013's pictures: in one course, and in a second of
views that differ more, so that hair is not all that counts. It ends with models/weights/looks.onnx.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from models.training.augment import Augmentation, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.fitting import Fitting, seeded
from models.training.looks_network import VIEW, Looks, LooksNet
from models.training.losses import looks_loss, pose_loss
from models.training.product import LOOKS, weights_of
from models.training.sets import GENDERS, Photos, Pictures, middles_of, photos_of, pictures_of

PHOTOS, PICTURES = 64, 8  # of FairFace and of FER2013 in a batch
PICTURES_SHARE = 0.25  # of what an error of pose costs


@dataclass(frozen=True)
class Course:
    """How a network is taught: at which rates, the latter of the layers that start from nothing, and how far views of
    the photos differ.
    """

    seed: int
    epochs: int
    peak_rate: float
    head_rate: float
    views: Augmentation


COURSES = (
    Course(1, 12, 3e-4, 1e-3, Augmentation(zoom=0.16, shift=0.05, gamma=0.3, contrast=0.3, brightness=30.0)),
    Course(2, 5, 2e-4, 4e-4, Augmentation(zoom=0.22, coarse=0.3, erase=0.4)),
)


def train(data: Path) -> None:
    """Fit the network in one course after the other; its averaged weights are written after every epoch."""
    fer, fair = fer2013(data), fairface(data)
    middles = middles_of(fair)
    pictures, photos = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    held_out = photos_of(fair, Part.CHOOSING)
    torch.manual_seed(COURSES[0].seed)
    net = LooksNet(len(middles), len(GENDERS))
    for course in COURSES:
        net = fitted(net, (pictures, photos), held_out, middles, course)


def fitted(
    net: LooksNet, shown: tuple[Pictures, Photos], held_out: Photos, middles: Tensor, course: Course
) -> LooksNet:
    """The network after a course, its weights averaged."""
    rng = seeded(course.seed)
    pictures, photos = shown
    steps = course.epochs * (len(photos.chips) // PHOTOS)
    fitting = Fitting(net, steps, course.peak_rate, head=net.head, head_rate=course.head_rate)
    for epoch in range(course.epochs):
        fitting.learn_all(
            loss(fitting.net, (photos, some), (pictures, others), middles, course.views, rng)
            for some, others in batches(len(photos.chips), len(pictures.chips), rng)
        )
        print(f"epoch {epoch}: {told(fitting.average, held_out, middles)} on held out", flush=True)
        export(fitting.average, VIEW.side, Looks._fields, weights_of(LOOKS))
    return fitting.average


def batches(photos: int, pictures: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of an epoch of photos, what does not fill a batch left out, beside some of the pictures."""
    for some in torch.randperm(photos, generator=rng).split(PHOTOS):
        if len(some) == PHOTOS:
            yield some, torch.randint(pictures, (PICTURES,), generator=rng)


def loss(
    net: LooksNet,
    some: tuple[Photos, Tensor],
    others: tuple[Pictures, Tensor],
    middles: Tensor,
    how: Augmentation,
    rng: torch.Generator,
) -> Tensor:
    """What is wrong with what the network says of these rows of photos and of pictures."""
    (photos, p), (pictures, q) = some, others
    seen = views(photos.chips[p], VIEW, how, rng)
    too = views(pictures.chips[q], VIEW, Augmentation(), rng)
    first, rest = net(torch.cat([seen.pixels, too.pixels])).parted(len(p))
    total = looks_loss(first, photos.bands[p], photos.genders[p], middles)
    total = total + pose_loss(first.pose, photos.poses[p], seen)
    return total + PICTURES_SHARE * pose_loss(rest.pose, pictures.poses[q], too)


def told(net: LooksNet, photos: Photos, middles: Tensor) -> str:
    """How right the network is on these photos."""
    looks = net.said(photos.chips)
    medians = middles[(looks.ages.softmax(dim=1).cumsum(dim=1) < 0.5).sum(dim=1)]
    off = (medians - middles[photos.bands]).abs().mean()
    right = (looks.genders.argmax(dim=1) == photos.genders).float().mean()
    surprise = F.cross_entropy(looks.genders, photos.genders)
    turned = " ".join(f"{angle:.1f}" for angle in (looks.pose - photos.poses).abs().mean(dim=0).tolist())
    return f"{off:.2f} years, gender {right:.3f} (surprise {surprise:.3f}), pose {turned} degrees"


if __name__ == "__main__":
    run("models.training.looks", __doc__, train)
