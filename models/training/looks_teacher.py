"""Train a teacher of the network of looks. `python -m models.training.looks_teacher DATA`; part of `make train`.

A published network that tells ages and genders is fitted to what FairFace's training set says of both. It is far too
slow to ship; but what it knows, it has from other photos than the embedding network, which ours starts from, and the
two together are more often right than either. It ends with var/looks-teacher.pt.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from bench.labelled import Part
from mien import settings
from models.training.augment import Augmentation, views
from models.training.chips import fairface
from models.training.command import run
from models.training.faceres import VIEW, FaceRes
from models.training.fitting import Fitting, seeded
from models.training.losses import looks_loss
from models.training.sets import GENDERS, full_batches, middles_of, photos_of

TEACHER = settings.CHECKOUT / "var" / "looks-teacher.pt"

SEED = 20261128
EPOCHS = 12
PHOTOS = 64  # in a batch
PEAK_RATE, HEAD_RATE = 2e-4, 1e-3
VIEWS = Augmentation(zoom=0.18, shift=0.05, gamma=0.3, contrast=0.3, brightness=30.0, erase=0.25)


def train(data: Path) -> None:
    """Fit the network; its averaged weights are written after every epoch."""
    rng = seeded(SEED)
    fair = fairface(data)
    middles = middles_of(fair)
    photos, held_out = photos_of(fair, Part.TRAINING), photos_of(fair, Part.CHOOSING)
    net = FaceRes(len(middles), len(GENDERS))
    fitting = Fitting(net, EPOCHS * (len(photos.chips) // PHOTOS), PEAK_RATE, head=net.head, head_rate=HEAD_RATE)
    for epoch in range(EPOCHS):
        rows = torch.randperm(len(photos.chips), generator=rng)
        fitting.learn_all(
            looks_loss(
                fitting.net(views(photos.chips[some], VIEW, VIEWS, rng).pixels),
                photos.bands[some],
                photos.genders[some],
                middles,
            )
            for some in full_batches(rows, PHOTOS)
        )
        said = fitting.average.said(held_out.chips)
        of_ages, of_genders = (
            F.cross_entropy(logits, truth)
            for logits, truth in ((said.ages, held_out.bands), (said.genders, held_out.genders))
        )
        print(f"epoch {epoch}: surprise of ages {of_ages:.3f}, of genders {of_genders:.3f} on held out", flush=True)
        torch.save(fitting.average, TEACHER)


if __name__ == "__main__":
    run("models.training.looks_teacher", __doc__, train)
