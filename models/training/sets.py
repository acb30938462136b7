"""FER2013's pictures and FairFace's photos as a training shows them, and what teachers make of their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.labelled import Part
from mien.domain.faces import Gender, Sentiment
from models.training.augment import Augmentation
from models.training.chips import Arrays, rows_of

SENTIMENTS, GENDERS = list(Sentiment), list(Gender)

PICTURES, PHOTOS = 64, 32  # of FER2013 and of FairFace in a batch
MOST_OF_A_KIND = 3000  # pictures of one sentiment in an epoch
SMOOTHING = 0.1  # of what FER2013's labels say
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
    """The middles of FairFace's bands of age in years, the youngest first."""
    bands = np.unique(fair["bands"], axis=0)
    return torch.from_numpy((bands.sum(axis=1) - 1) / 2).float()


def taught(
    pictures: Pictures, photos: Photos, of_pictures: Tensor, of_photos: Tensor, share: float
) -> tuple[Pictures, Photos]:
    """The same, with what teachers say of them, as logits (n, 7): of pictures as a share, beside their labels."""
    says = (of_pictures + pictures.prior).softmax(dim=1)
    mixed = (1 - share) * pictures.sentiments + share * says
    return replace(pictures, sentiments=mixed), replace(photos, sentiments=of_photos.softmax(dim=1))


def batches(pictures: Pictures, photos: Photos, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of an epoch of pictures, what does not fill a batch left out, beside as many of photos as it takes."""
    parts = full_batches(pictures.drawn(rng), PICTURES)
    count = len(photos.chips)
    rounds = -(-len(parts) * PHOTOS // count)
    rows = torch.cat([torch.randperm(count, generator=rng) for _ in range(rounds)])
    yield from zip(parts, rows.split(PHOTOS), strict=False)


def full_batches(rows: Tensor, size: int) -> list[Tensor]:
    """Rows in batches of this size; what does not fill one is left out."""
    return [part for part in rows.split(size) if len(part) == size]


def steps_of_epoch(pictures: Pictures) -> int:
    """How many batches that makes."""
    return len(pictures.drawn(torch.Generator())) // PICTURES


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """The mean of the sentiments' recalls."""
    right = logits.argmax(dim=1) == labels
    return float(torch.stack([right[labels == kind].float().mean() for kind in labels.unique()]).mean())
