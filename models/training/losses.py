"""What is wrong with what a network says of looks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models.training.augment import Views
from models.training.looks_network import Looks

NEIGHBOURS = 0.1  # of the age target goes to each band beside the true one
GENDER_SMOOTHING = 0.05
YEARS_PER_NAT = 10.0  # what an error of the expected age costs
DEGREES_PER_NAT = 15.0  # what an error of the pose costs


def looks_loss(looks: Looks, bands: Tensor, genders: Tensor, middles: Tensor) -> Tensor:
    """Of faces whose bands of age (n,) have these middles in years, and whose genders are these (n,): cross-entropy
    with softened targets, and how far the expected age is off.
    """
    near = (torch.arange(len(middles))[None] - bands[:, None]).abs()
    target = (near == 0) * (1 - 2 * NEIGHBOURS) + (near == 1) * NEIGHBOURS
    off = (looks.ages.softmax(dim=1) @ middles - middles[bands]).abs().mean()
    of_ages = F.cross_entropy(looks.ages, target / target.sum(dim=1, keepdim=True)) + off / YEARS_PER_NAT
    return of_ages + 2 * F.cross_entropy(looks.genders, genders, label_smoothing=GENDER_SMOOTHING)


def pose_loss(pose: Tensor, stored: Tensor, seen: Views) -> Tensor:
    """How far yaw, pitch and roll are off those of the views of stored chips."""
    sign = 1 - 2 * seen.mirrored.float()
    yaw, pitch, roll = stored.unbind(dim=1)
    wanted = torch.stack([yaw * sign, pitch, (roll + seen.turned) * sign], dim=1)
    return F.smooth_l1_loss(pose / DEGREES_PER_NAT, wanted / DEGREES_PER_NAT)
