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
GUIDED = 3.0  # what a nat between what is said of ages, or of genders, and what guides say costs
GUIDED_POSE = 2.0  # times what an error of pose costs elsewhere, where guides tell it


def looks_loss(looks: Looks, bands: Tensor, genders: Tensor, middles: Tensor) -> Tensor:
    """Of faces whose bands of age (n,) have these middles in years, and whose genders are these (n,): cross-entropy
    with softened targets, and how far the expected age is off.
    """
    near = (torch.arange(len(middles))[None] - bands[:, None]).abs()
    target = (near == 0) * (1 - 2 * NEIGHBOURS) + (near == 1) * NEIGHBOURS
    off = (looks.ages.softmax(dim=1) @ middles - middles[bands]).abs().mean()
    of_ages = F.cross_entropy(looks.ages, target / target.sum(dim=1, keepdim=True)) + off / YEARS_PER_NAT
    return of_ages + 2 * F.cross_entropy(looks.genders, genders, label_smoothing=GENDER_SMOOTHING)


def guide_loss(looks: Looks, guide: Looks, middles: Tensor) -> Tensor:
    """How far looks are from those that a guide tells of the same views: divergences (Kullback and Leibler), and how
    far the expected age and the pose are off.
    """
    ages, expected = looks.ages.log_softmax(dim=1), guide.ages.softmax(dim=1)
    of_ages = F.kl_div(ages, expected, reduction="batchmean")
    of_genders = F.kl_div(looks.genders.log_softmax(dim=1), guide.genders.softmax(dim=1), reduction="batchmean")
    off = ((ages.exp() - expected) @ middles).abs().mean() / YEARS_PER_NAT
    return GUIDED * (of_ages + of_genders) + off + GUIDED_POSE * _apart(looks.pose, guide.pose)


def pose_loss(pose: Tensor, stored: Tensor, seen: Views) -> Tensor:
    """How far yaw, pitch and roll are off those of the views of stored chips."""
    sign = 1 - 2 * seen.mirrored.float()
    yaw, pitch, roll = stored.unbind(dim=1)
    wanted = torch.stack([yaw * sign, pitch, (roll + seen.turned) * sign], dim=1)
    return _apart(pose, wanted)


def _apart(pose: Tensor, other: Tensor) -> Tensor:
    return F.smooth_l1_loss(pose / DEGREES_PER_NAT, other / DEGREES_PER_NAT)
