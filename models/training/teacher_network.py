"""The teacher of the expression network as a torch module."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.training.augment import Window
from models.training.fitting import plainly_seen
from models.training.looks_network import Looks, LooksHead
from models.training.mobilefacenet import FEATURES, GAIN, branch, start_from_embedding, to_trunk, trunk

VIEW = Window(side=64, scale=0.75, down=0.03)  # about as fine as FER2013's pictures


class Said(NamedTuple):
    """Logits of the sentiments (n, 7), and looks."""

    sentiments: Tensor
    looks: Looks


class TeacherNet(nn.Module):
    """(n, 3, 64, 64) BGR, 0-255, to what is said of each. Expression and looks have their last layers to themselves."""

    def __init__(self, sentiments: int, ages: int, genders: int) -> None:
        super().__init__()
        self.trunk, self.expression, self.looks = trunk(), branch(), branch()
        self.sentiments = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, sentiments))
        self.head = LooksHead(VIEW.side, ages, genders)
        for each in (self.expression, self.looks):
            start_from_embedding(self.trunk, each)

    def forward(self, seen: Tensor) -> Said:
        shared = self.trunk(to_trunk(seen))
        mood, looks = (GAIN * each(shared).mean(dim=(2, 3)) for each in (self.expression, self.looks))
        return Said(self.sentiments(mood), self.head(shared, looks))

    def said(self, chips: Tensor) -> Tensor:
        """What it says of the sentiments of stored (n, c, size, size) chips as they are; (n, 7)."""
        return torch.cat([said.sentiments for said in plainly_seen(self, chips, VIEW)])
