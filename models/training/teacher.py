"""Train the teacher of the expression network. `python -m models.training.teacher DATA`; part of `make train`.

The embedding network's convolutions are fitted, all at once, to what FER2013's training set says of expression, what
FairFace's says of age and gender, and what a published network says of the pose of both: colour photos, and tasks that
are not about expression, keep it from knowing FER2013's pictures alone. In the later epochs, what has been learnt
teaches: FER2013's labels, many of which people dispute, are mixed with what the averaged weights say, and FairFace's
photos, whose expressions nobody labelled, get what those weights and face-api's network make of them together. It ends
with var/teacher.pt, and is not shipped.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien import settings
from models.training.augment import Augmentation, views
from models.training.chips import fairface, fer2013
from models.training.command import run
from models.training.faceapi import faceapi_logits, together
from models.training.fitting import Fitting, seeded
from models.training.losses import looks_loss, pose_loss
from models.training.sets import (
    GENDERS,
    PHOTO_VIEWS,
    PHOTOS,
    PICTURES,
    SENTIMENTS,
    Photos,
    Pictures,
    balanced_accuracy,
    batches,
    middles_of,
    photos_of,
    pictures_of,
    steps_of_epoch,
    taught,
)
from models.training.teacher_network import VIEW, TeacherNet

TEACHER = settings.CHECKOUT / "var" / "teacher.pt"

SEED = 20261121
EPOCHS = 18
TAUGHT_FROM = 8  # the epoch from which the averaged weights teach
TEACHER_SHARE = 0.4  # of the targets of FER2013's pictures
PEAK_RATE = 6e-4


def train(data: Path) -> None:
    """Fit the network; its averaged weights are written after every epoch."""
    rng = seeded(SEED)
    fer, fair = fer2013(data), fairface(data)
    middles = middles_of(fair)
    pictures, photos = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    theirs = faceapi_logits(photos.chips)
    held_out = pictures_of(fer, Part.CHOOSING)

    net = TeacherNet(len(SENTIMENTS), len(middles), len(GENDERS))
    fitting = Fitting(net, EPOCHS * steps_of_epoch(pictures), PEAK_RATE)
    for epoch in range(EPOCHS):
        if epoch == TAUGHT_FROM:
            of_pictures, of_photos = (fitting.average.said(each.chips) for each in (pictures, photos))
            pictures, photos = taught(pictures, photos, of_pictures, together(of_photos, theirs), TEACHER_SHARE)
        fitting.learn_all(
            loss(fitting.net, (pictures, some), (photos, others), middles, rng)
            for some, others in batches(pictures, photos, rng)
        )
        right = balanced_accuracy(fitting.average.said(held_out.chips), held_out.sentiments.argmax(dim=1))
        print(f"epoch {epoch}: class-balanced {right:.3f} on held out", flush=True)
        torch.save(fitting.average, TEACHER)


def loss(
    net: TeacherNet,
    some: tuple[Pictures, Tensor],
    others: tuple[Photos, Tensor],
    middles: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """What is wrong with what the network says of these rows of pictures and of photos."""
    (pictures, p), (photos, q) = some, others
    seen = views(pictures.chips[p], VIEW, Augmentation(), rng)
    too = views(photos.chips[q], VIEW, PHOTO_VIEWS, rng)
    sentiments, looks = net(torch.cat([seen.pixels, too.pixels]))
    first, rest = sentiments.split([len(p), len(q)])
    of_first, of_rest = looks.parted(len(p))
    # Logits are moved by the prior, so that without it they favour no sentiment (Menon and others, Long-tail learning
    # via logit adjustment, 2021).
    total = F.cross_entropy(first + pictures.prior, pictures.sentiments[p])
    total = total + looks_loss(of_rest, photos.bands[q], photos.genders[q], middles)
    if photos.sentiments is not None:
        total = total + PHOTOS / PICTURES * F.cross_entropy(rest, photos.sentiments[q])
    return total + pose_loss(of_first.pose, pictures.poses[p], seen) + pose_loss(of_rest.pose, photos.poses[q], too)


if __name__ == "__main__":
    run("models.training.teacher", __doc__, train)
