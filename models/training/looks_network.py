"""The network of looks as a torch module: age, gender, and where the head is turned."""

from __future__ import annotations

import copy
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
    narrow,
    start_from_embedding,
    to_trunk,
    trunk,
)
from models.training.product import at

VIEW: Window = at(96)  # near the 112 pixels that the embedding network was made for
DEGREES_PER_UNIT = 15.0
UNCHANGED = 3  # layers of the trunk, those of most pixels, stay as they are in the embedding network

SLIM = (32, *(96, 64, 64, 64, 64, 160, 96, 80, 64, 64, 80, 80, 256), *(96, 80))
"""Channels within the stem, the trunk's bottlenecks and the branch's: two thirds of the products."""


class Looks(NamedTuple):
    """Logits of the bands of age (n, 9) and of the genders (n, 2); yaw, pitch and roll of the chip in degrees
    (n, 3).
    """

    ages: Tensor
    genders: Tensor
    pose: Tensor

    def parted(self, first: int) -> tuple[Looks, Looks]:
        """Of the first faces, and of the others."""
        return Looks(*(each[:first] for each in self)), Looks(*(each[first:] for each in self))


class LooksHead(nn.Module):
    """A trunk's last map and the features of a branch to looks, for views of this side."""

    def __init__(self, side: int, ages: int, genders: int) -> None:
        super().__init__()
        self.ages = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, ages))
        self.genders = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, genders))
        self.pose = nn.Linear(CHANNELS * (side // SHRINKS) ** 2, 3)

    def forward(self, shared: Tensor, features: Tensor) -> Looks:
        return Looks(self.ages(features), self.genders(features), DEGREES_PER_UNIT * self.pose(shared.flatten(1)))


class LooksNet(nn.Module):
    """(n, 3, 96, 96) BGR, 0-255, to the looks of each."""

    def __init__(self, ages: int, genders: int) -> None:
        super().__init__()
        self.trunk, self.features = trunk(), branch()
        start_from_embedding(self.trunk, self.features)
        self.trunk[:UNCHANGED].requires_grad_(False)
        self.head = LooksHead(VIEW.side, ages, genders)

    def forward(self, seen: Tensor) -> Looks:
        shared = self.trunk(to_trunk(seen))
        looks: Looks = self.head(shared, GAIN * self.features(shared).mean(dim=(2, 3)))
        return looks

    def said(self, chips: Tensor) -> Looks:
        """What it says of stored (n, c, size, size) chips as they are."""
        return looks_of(self, chips, VIEW)


def looks_of(net: nn.Module, chips: Tensor, window: Window) -> Looks:
    """What a network that tells looks says of stored (n, c, size, size) chips as they are."""
    return Looks(*(torch.cat(each) for each in zip(*plainly_seen(net, chips, window), strict=True)))


def slimmed(large: LooksNet, chips: Tensor) -> LooksNet:
    """A network with fewer channels within its layers, those that tell most on such stored chips; all of it learns."""
    slim = copy.deepcopy(large).requires_grad_(True)
    narrow((slim.trunk, slim.features), SLIM, lambda: slim.said(chips))
    return slim
