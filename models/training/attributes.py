"""Train Mien's attributes network. `python -m models.training.attributes DATA`; `make train DATA=folder`.

The embedding network's convolutions are fitted, all at once, to what FER2013's training set says of expression, what
FairFace's says of age and gender, and what a published network says of the pose of both. In the later epochs, what has
been learnt teaches expression: FER2013's labels, many of which people dispute, are mixed with what the averaged weights
say, and FairFace's photos, whose expressions nobody labelled, get what those weights and face-api's network make of
them together. It ends with models/weights/attributes.onnx; `python -m models.builder --update-manifest` follows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from models.training.augment import Augmentation, Views, views
from models.training.chips import Arrays, fairface, fer2013
from models.training.command import run
from models.training.export import export
from models.training.fitting import Fitting, plainly_seen
from models.training.network import SIDE, AttributesNet, Said, Shipped
from models.training.product import ATTRIBUTES, CHIP, WHOLE
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
    photos_of,
    pictures_of,
    taught,
)
from models.training.teacher import faceapi_logits, together

VIEW = replace(WHOLE, side=SIDE)  # about as fine as FER2013's pictures

SEED = 20261121
EPOCHS = 18
TAUGHT_FROM = 8  # the epoch from which the averaged weights teach
PEAK_RATE = 6e-4
NEIGHBOURS = 0.1  # of the age target goes to each band beside the true one
GENDER_SMOOTHING = 0.05
YEARS_PER_NAT = 10.0  # what an error of the expected age costs
DEGREES_PER_NAT = 15.0  # what an error of the pose costs


def train(data: Path) -> None:
    """Fit the network; its averaged weights are written after every epoch."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    fer, fair = fer2013(data), fairface(data)
    middles = middles_of(fair)
    pictures, photos = pictures_of(fer, Part.TRAINING), photos_of(fair, Part.TRAINING)
    theirs = faceapi_logits(photos.chips)
    held_pictures, held_photos = pictures_of(fer, Part.CHOOSING), photos_of(fair, Part.CHOOSING)

    net = AttributesNet(len(SENTIMENTS), len(middles), len(GENDERS))
    net.load_embedding()
    fitting = Fitting(net, EPOCHS * (len(pictures.drawn(torch.Generator())) // PICTURES), PEAK_RATE)
    for epoch in range(EPOCHS):
        if epoch == TAUGHT_FROM:
            of_pictures, of_photos = (said(fitting.average, each.chips).sentiments for each in (pictures, photos))
            pictures, photos = taught(pictures, photos, of_pictures, together(of_photos, theirs))
        fitting.learn_all(
            loss(fitting.net, (pictures, some), (photos, others), middles, rng)
            for some, others in batches(pictures, photos, rng)
        )
        print(f"epoch {epoch}: {held_out(fitting.average, held_pictures, held_photos, middles)}", flush=True)
        export(Shipped(fitting.average), torch.zeros(1, 3, CHIP, CHIP), Said._fields, ATTRIBUTES)


def middles_of(fair: Arrays) -> Tensor:
    """The middles of the bands of age in years, the youngest first."""
    bands = np.unique(fair["bands"], axis=0)
    return torch.from_numpy((bands.sum(axis=1) - 1) / 2).float()


def loss(
    net: AttributesNet,
    some: tuple[Pictures, Tensor],
    others: tuple[Photos, Tensor],
    middles: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """What is wrong with what the network says of these rows of pictures and of photos."""
    (pictures, p), (photos, q) = some, others
    seen = views(pictures.chips[p].expand(-1, 3, -1, -1), VIEW, Augmentation(), rng)
    too = views(photos.chips[q], VIEW, PHOTO_VIEWS, rng)
    says = net(torch.cat([seen.pixels, too.pixels]))
    first, rest = says.parted(len(p))
    # Logits are moved by the prior, so that without it they favour no sentiment (Menon and others, Long-tail learning
    # via logit adjustment, 2021).
    total = F.cross_entropy(first.sentiments + pictures.prior, pictures.sentiments[p])
    total = total + age_loss(rest.ages, photos.bands[q], middles)
    total = total + 2 * F.cross_entropy(rest.genders, photos.genders[q], label_smoothing=GENDER_SMOOTHING)
    if photos.sentiments is not None:
        total = total + PHOTOS / PICTURES * F.cross_entropy(rest.sentiments, photos.sentiments[q])
    return total + pose_loss(first.pose, pictures.poses[p], seen) + pose_loss(rest.pose, photos.poses[q], too)


def age_loss(ages: Tensor, bands: Tensor, middles: Tensor) -> Tensor:
    """Cross-entropy with softened targets, and how far the expected age is off."""
    near = (torch.arange(len(middles))[None] - bands[:, None]).abs()
    target = (near == 0) * (1 - 2 * NEIGHBOURS) + (near == 1) * NEIGHBOURS
    off = (ages.softmax(dim=1) @ middles - middles[bands]).abs().mean()
    return F.cross_entropy(ages, target / target.sum(dim=1, keepdim=True)) + off / YEARS_PER_NAT


def pose_loss(pose: Tensor, stored: Tensor, seen: Views) -> Tensor:
    """How far yaw, pitch and roll are off those of the views of stored chips."""
    sign = 1 - 2 * seen.mirrored.float()
    yaw, pitch, roll = stored.unbind(dim=1)
    wanted = torch.stack([yaw * sign, pitch, (roll + seen.turned) * sign], dim=1)
    return F.smooth_l1_loss(pose / DEGREES_PER_NAT, wanted / DEGREES_PER_NAT)


def said(net: AttributesNet, chips: Tensor) -> Said:
    """What the network says of stored chips as they are."""
    parts = plainly_seen(net, chips, VIEW)
    return Said(*(torch.cat(each) for each in zip(*parts, strict=True)))


def held_out(net: AttributesNet, pictures: Pictures, photos: Photos, middles: Tensor) -> str:
    """How right the network is on parts that it did not learn from."""
    of_pictures, of_photos = said(net, pictures.chips), said(net, photos.chips)
    balanced = balanced_accuracy(of_pictures.sentiments, pictures.sentiments.argmax(dim=1))
    medians = middles[(of_photos.ages.softmax(dim=1).cumsum(dim=1) < 0.5).sum(dim=1)]
    off = (medians - middles[photos.bands]).abs().mean()
    right = (of_photos.genders.argmax(dim=1) == photos.genders).float().mean()
    turned = (of_photos.pose - photos.poses).abs().mean(dim=0)
    degrees = " ".join(f"{angle:.1f}" for angle in turned.tolist())
    return f"class-balanced {balanced:.3f}, {off:.2f} years, gender {right:.3f}, pose {degrees} degrees on held out"


if __name__ == "__main__":
    run("models.training.attributes", __doc__, train)
