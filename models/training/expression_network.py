"""The expression network as a torch module: residual blocks (He and others, 2016) on a small grey picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.builder.convert import GREY_OF_BGR
from models.training.fitting import channels_of, plainly_seen
from models.training.product import at

VIEW = at(48)
DARKEST_SPREAD = 4.0  # of 255: below it a picture is as good as plain, and is not stretched further

FIRST = 32  # channels of the first convolution


@dataclass(frozen=True)
class Stage:
    """Two blocks, the first of which halves the sides: the channels that they give, and those within them."""

    channels: int
    within: int


LARGE = (Stage(48, 48), Stage(96, 96), Stage(256, 256))
SLIM = (Stage(48, 32), Stage(96, 48), Stage(256, 128))  # little more than half of the products


class ExpressionNet(nn.Module):
    """(n, 3, 48, 48) BGR, 0-255, to logits of the sentiments (n, 7)."""

    def __init__(self, sentiments: int, stages: tuple[Stage, ...]) -> None:
        super().__init__()
        self.register_buffer("grey", torch.tensor(GREY_OF_BGR).reshape(1, 3, 1, 1))
        layers = [*_normal(FIRST, nn.Conv2d(1, FIRST, 3, padding=1, bias=False)), nn.ReLU()]
        before = FIRST
        for stage in stages:
            layers += [Block(before, stage, stride=2), Block(stage.channels, stage)]
            before = stage.channels
        self.layers = nn.Sequential(*layers)
        self.sentiments = nn.Sequential(nn.Dropout(0.2), nn.Linear(before, sentiments))

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


def slimmed(large: ExpressionNet, chips: Tensor) -> ExpressionNet:
    """A network with those channels within a large one's blocks from which most comes out of these, on such stored
    chips. It has to learn again.
    """
    slim = ExpressionNet(large.sentiments[-1].out_features, SLIM)
    weights = large.state_dict()
    blocks = {name: module for name, module in large.named_modules() if isinstance(module, Block)}
    given = channels_of([block.within for block in blocks.values()], lambda: large.said(chips))
    for name, (mean, spread) in zip(blocks, given, strict=True):
        read = f"{name}.out.0.weight"
        strengths = torch.hypot(mean, spread) * weights[read].flatten(2).norm(dim=(0, 2))
        kept = strengths.topk(slim.get_submodule(f"{name}.within.0").out_channels).indices.sort().values
        weights[read] = weights[read][:, kept]
        for made in ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"):
            weights[f"{name}.within.{made}"] = weights[f"{name}.within.{made}"][kept]
    slim.load_state_dict(weights)
    return slim


class Block(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, before: int, stage: Stage, stride: int = 1) -> None:
        super().__init__()
        within, after = stage.within, stage.channels
        self.within = nn.Sequential(*_normal(within, nn.Conv2d(before, within, 3, stride, 1, bias=False)), nn.ReLU())
        self.out = nn.Sequential(*_normal(after, nn.Conv2d(within, after, 3, padding=1, bias=False)))
        around = nn.Conv2d(before, after, 1, stride, bias=False)
        self.around = nn.Identity() if before == after else nn.Sequential(*_normal(after, around))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.out(self.within(x)) + self.around(x))


def _normal(channels: int, convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(channels)]
