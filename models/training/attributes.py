"""Train Mien's attributes network. `python -m models.training.attributes DATA`; `make train DATA=folder`.

The embedding network's convolutions are fitted, all at once, to what FER2013's training set says of expression, what
FairFace's says of age and gender, and what a published network says of the pose of both. In the later epochs, what has
been learnt teaches expression: FER2013's labels, many of which people dispute, are mixed with what the averaged weights
say, and FairFace's photos, whose expressions nobody labelled, get what those weights and face-api's network make of
them together. It ends with models/weights/attributes.onnx; `python -m models.builder --update-manifest` follows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien.domain.faces import Gender, Sentiment
from models.training.augment import Augmentation, Views, plain_views, views
from models.training.chips import Arrays, fairface, fer2013, rows_of
from models.training.export import export
from models.training.fitting import Fitting
from models.training.network import SIDE, AttributesNet, Said, Shipped
from models.training.product import ATTRIBUTES, CHIP, WHOLE
from models.training.teacher import faceapi_logits

VIEW = replace(WHOLE, side=SIDE)  # about as fine as FER2013's pictures
SENTIMENTS, GENDERS = list(Sentiment), list(Gender)

SEED = 20261121
EPOCHS = 18
TAUGHT_FROM = 8  # the epoch from which the averaged weights teach
MOST_OF_A_KIND = 3000  # pictures of one sentiment in an epoch
PICTURES, PHOTOS = 64, 32  # of FER2013 and of FairFace in a batch
PEAK_RATE = 6e-4
SMOOTHING = 0.1  # of what FER2013's labels say
TEACHER_SHARE = 0.4  # of the targets of FER2013's pictures
FACEAPI_TEMPERATURE = 5.46
NEIGHBOURS = 0.1  # of the age target goes to each band beside the true one
GENDER_SMOOTHING = 0.05
YEARS_PER_NAT = 10.0  # what an error of the expected age costs
DEGREES_PER_NAT = 15.0  # what an error of the pose costs
PHOTO_VIEWS = Augmentation(gamma=0.3, contrast=0.3, brightness=30.0, erase=0.15)


@dataclass(frozen=True)
class Pictures:
    """FER2013's, stored (n, 1, size, size): what they are taken for (n, 7), which shares of what an epoch shows of them
    the sentiments have (7,), as logarithms, and their poses (n, 3).
    """

    chips: Tensor
    sentiments: Tensor
    prior: Tensor
    poses: Tensor

    def drawn(self, rng: torch.Generator) -> Tensor:
        """Rows for an epoch: all, or as many of a frequent sentiment as are allowed, in random order."""
        rows = torch.randperm(len(self.chips), generator=rng)
        kinds = self.sentiments[rows].argmax(dim=1)
        kept = torch.cat([rows[kinds == kind][:MOST_OF_A_KIND] for kind in range(len(SENTIMENTS))])
        return kept[torch.randperm(len(kept), generator=rng)]


@dataclass(frozen=True)
class Photos:
    """FairFace's, stored (n, 3, size, size): bands of age and genders as places in their lists (n,), poses (n, 3), and
    what they are taken for (n, 7), when there is something to say of it.
    """

    chips: Tensor
    bands: Tensor
    genders: Tensor
    poses: Tensor
    sentiments: Tensor | None = None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.attributes", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.data)


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
            pictures, photos = taught(pictures, photos, theirs, fitting.average)
        losses = []
        for some, others in batches(pictures, photos, rng):
            losses.append(fitting.learn(loss(fitting.net, (pictures, some), (photos, others), middles, rng)))
            if fitting.step % 100 == 0:
                recent = torch.tensor(losses[-100:]).mean()
                print(f"step {fitting.step} of {fitting.steps}: loss {recent:.3f}", flush=True)
        print(f"epoch {epoch}: {held_out(fitting.average, held_pictures, held_photos, middles)}", flush=True)
        export(Shipped(fitting.average), torch.zeros(1, 3, CHIP, CHIP), Said._fields, ATTRIBUTES)


def pictures_of(fer: Arrays, part: Part) -> Pictures:
    """A part of FER2013, with people's labels, smoothed."""
    rows = rows_of(fer, part)
    labels = torch.tensor([SENTIMENTS.index(Sentiment(str(name))) for name in fer["labels"][rows]])
    one_hot = F.one_hot(labels, len(SENTIMENTS)).float()
    shown = one_hot.sum(dim=0).clamp(max=MOST_OF_A_KIND)
    smooth = one_hot * (1 - SMOOTHING) + SMOOTHING / len(SENTIMENTS)
    poses = torch.from_numpy(fer["poses"][rows]).float()
    return Pictures(torch.from_numpy(fer["chips"][rows])[:, None], smooth, (shown / shown.sum()).log(), poses)


def photos_of(fair: Arrays, part: Part) -> Photos:
    """A part of FairFace's training photos."""
    rows = rows_of(fair, part)
    edges = np.unique(fair["bands"][:, 0])
    bands = torch.from_numpy(np.searchsorted(edges, fair["bands"][rows, 0]))
    genders = torch.tensor([GENDERS.index(Gender(str(name))) for name in fair["genders"][rows]])
    chips = torch.from_numpy(fair["chips"][rows]).permute(0, 3, 1, 2)
    return Photos(chips, bands, genders, torch.from_numpy(fair["poses"][rows]).float())


def middles_of(fair: Arrays) -> Tensor:
    """The middles of the bands of age in years, the youngest first."""
    bands = np.unique(fair["bands"], axis=0)
    return torch.from_numpy((bands.sum(axis=1) - 1) / 2).float()


def taught(pictures: Pictures, photos: Photos, theirs: Tensor, teacher: AttributesNet) -> tuple[Pictures, Photos]:
    """The same, with what the teacher says of them: of pictures beside their labels, of photos beside another network,
    whose logits (n, 7) are given.
    """
    says = (said(teacher, pictures.chips).sentiments + pictures.prior).softmax(dim=1)
    mixed = (1 - TEACHER_SHARE) * pictures.sentiments + TEACHER_SHARE * says
    ours = said(teacher, photos.chips).sentiments
    both = (ours.log_softmax(dim=1) + (theirs / FACEAPI_TEMPERATURE).log_softmax(dim=1)) / 2
    return replace(pictures, sentiments=mixed), replace(photos, sentiments=both.softmax(dim=1))


def batches(pictures: Pictures, photos: Photos, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of an epoch of pictures, what does not fill a batch left out, beside as many of photos as it takes."""
    parts = [part for part in pictures.drawn(rng).split(PICTURES) if len(part) == PICTURES]
    count = len(photos.chips)
    rounds = -(-len(parts) * PHOTOS // count)
    rows = torch.cat([torch.randperm(count, generator=rng) for _ in range(rounds)])
    yield from zip(parts, rows.split(PHOTOS), strict=False)


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
    net.eval()
    with torch.no_grad():
        parts = [net(plain_views(part.expand(-1, 3, -1, -1), VIEW)) for part in chips.split(PICTURES)]
    net.train()
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


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """The mean of the sentiments' recalls."""
    right = logits.argmax(dim=1) == labels
    return float(torch.stack([right[labels == kind].float().mean() for kind in labels.unique()]).mean())


if __name__ == "__main__":
    main()
