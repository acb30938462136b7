"""The expression network as a torch module: residual blocks (He and others, 2016) on a small grey picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.builder.convert import GREY_OF_BGR
from models.training.fitting import plainly_seen
from models.training.product import at

VIEW = at(48)
DARKEST_SPREAD = 4.0  # of 255: below it a picture is as good as plain, and is not stretched further

# Channels of the first convolution, and of the two blocks of each stage, which halve the sides.
FIRST = 32
STAGES = (48, 96, 256)


class ExpressionNet(nn.Module):
    """(n, 3, 48, 48) BGR, 0-255, to logits of the sentiments (n, 7)."""

    def __init__(self, sentiments: int) -> None:
        super().__init__()
        self.register_buffer("grey", torch.tensor(GREY_OF_BGR).reshape(1, 3, 1, 1))
        layers = [*_normal(FIRST, nn.Conv2d(1, FIRST, 3, padding=1, bias=False)), nn.ReLU()]
        for before, after in zip((FIRST, *STAGES), STAGES, strict=False):
            layers += [_Block(before, after, stride=2), _Block(after, after)]
        self.layers = nn.Sequential(*layers)
        self.sentiments = nn.Sequential(nn.Dropout(0.2), nn.Linear(STAGES[-1], sentiments))

    def forward(self, seen: Tensor) -> Tensor:
        grey = (seen * self.grey).sum(dim=1, keepdim=True)
        centred = grey - grey.mean(dim=(2, 3), keepdim=True)
        spread = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
        even = (centred / (spread + DARKEST_SPREAD)).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.sentiments(self.layers(even).mean(dim=(2, 3)))
        return logits

    def said(self, chips: Tensor) -> Tensor:
        """What it says of stored (n, c, size, size) chips as they are; (n, 7)."""
        return torch.cat(plainly_seen(self, chips, VIEW))


class _Block(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_normal(after, nn.Conv2d(before, after, 3, stride, 1, bias=False)),
            nn.ReLU(),
            *_normal(after, nn.Conv2d(after, after, 3, padding=1, bias=False)),
        )
        around = nn.Conv2d(before, after, 1, stride, bias=False)
        self.around = nn.Identity() if before == after else nn.Sequential(*_normal(after, around))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layers(x) + self.around(x))


def _normal(channels: int, convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(channels)]
