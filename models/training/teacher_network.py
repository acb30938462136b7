"""The teacher of the expression network as a torch module."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.training.augment import Window
from models.training.fitting import plainly_seen
from models.training.mobilefacenet import (
    CHANNELS,
    FEATURES,
    GAIN,
    SHRINKS,
    branch,
    start_from_embedding,
    to_trunk,
    trunk,
)

VIEW = Window(side=64, scale=0.75, down=0.03)  # about as fine as FER2013's pictures
CELLS = (VIEW.side // SHRINKS) ** 2
DEGREES_PER_UNIT = 15.0


class Said(NamedTuple):
    """Logits of the sentiments (n, 7), of the bands of age (n, 9) and of the genders (n, 2); yaw, pitch and roll of
    the chip in degrees (n, 3).
    """

    sentiments: Tensor
    ages: Tensor
    genders: Tensor
    pose: Tensor

    def parted(self, first: int) -> tuple[Said, Said]:
        """Of the first faces, and of the others."""
        return Said(*(each[:first] for each in self)), Said(*(each[first:] for each in self))


class TeacherNet(nn.Module):
    """(n, 3, 64, 64) BGR, 0-255, to what is said of each. Expression and looks have their last layers to themselves."""

    def __init__(self, sentiments: int, ages: int, genders: int) -> None:
        super().__init__()
        self.trunk, self.expression, self.looks = trunk(), branch(), branch()
        self.sentiments = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, sentiments))
        self.ages = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, ages))
        self.genders = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, genders))
        self.pose = nn.Linear(CHANNELS * CELLS, 3)
        for each in (self.expression, self.looks):
            start_from_embedding(self.trunk, each)

    def forward(self, seen: Tensor) -> Said:
        shared = self.trunk(to_trunk(seen))
        mood, looks = (GAIN * each(shared).mean(dim=(2, 3)) for each in (self.expression, self.looks))
        pose = DEGREES_PER_UNIT * self.pose(shared.flatten(1))
        return Said(self.sentiments(mood), self.ages(looks), self.genders(looks), pose)

    def said(self, chips: Tensor) -> Said:
        """What it says of stored (n, c, size, size) chips as they are."""
        return Said(*(torch.cat(each) for each in zip(*plainly_seen(self, chips, VIEW), strict=True)))
