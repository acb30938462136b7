"""Random views of stored chips, in batches on the CPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.builder.convert import GREY_OF_BGR


@dataclass(frozen=True)
class Augmentation:
    """How far a view may differ from the chip's middle; all shares are of the view's side."""

    turn: float = 12.0  # degrees
    zoom: float = 0.14  # natural logarithm
    stretch: float = 0.06  # natural logarithm of one side over the other
    shift: float = 0.06
    contrast: float = 0.4
    brightness: float = 40.0  # of 255
    gamma: float = 0.4  # natural logarithm
    coarse: float = 0.25  # how often a view is made coarser
    erase: float = 0.2  # how often a part is covered
    noise: float = 6.0  # of 255, at most
    tint: float = 0.12  # natural logarithm of a channel
    grey: float = 0.2  # how often a view has no colour


NONE = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Window:
    """What part of a stored chip a view shows, and how fine: a share of its sides, moved down by a share of the
    view's own side, in pixels.
    """

    side: int
    scale: float
    down: float


@dataclass(frozen=True)
class Views:
    """Pixels (n, 3, side, side), 0-255; which are mirrored (n,); and degrees by which faces were turned clockwise
    before that (n,).
    """

    pixels: Tensor
    mirrored: Tensor
    turned: Tensor


def same_views(chips: Tensor, windows: Sequence[Window], how: Augmentation, rng: torch.Generator) -> list[Views]:
    """Views that differ from the chips in the same way, but for the noise, one of each window."""
    state = rng.get_state()

    def once_more(window: Window) -> Views:
        rng.set_state(state)
        return views(chips, window, how, rng)

    return [once_more(window) for window in windows]


def plain_views(chips: Tensor, window: Window) -> Tensor:
    """What the product would see of (n, c, size, size) uint8 chips; (n, 3, side, side), 0-255."""
    return views(chips, window, NONE, torch.Generator()).pixels


def views(chips: Tensor, window: Window, how: Augmentation, rng: torch.Generator) -> Views:
    """Views of (n, c, size, size) uint8 chips, grey or not, all different, unless it is by NONE."""
    chips = chips.expand(-1, 3, -1, -1)
    n, side, scale = len(chips), window.side, window.scale

    def spread(most: float) -> Tensor:
        return (torch.rand(n, generator=rng) * 2 - 1) * most

    angle, ratio = spread(math.radians(how.turn)), spread(how.stretch) / 2
    size = scale * torch.exp(spread(how.zoom))
    mirrored = torch.rand(n, generator=rng) < (0.0 if how is NONE else 0.5)
    flip = 1.0 - 2.0 * mirrored.float()
    across, tall = size * torch.exp(ratio), size * torch.exp(-ratio)
    rows = [
        torch.stack([torch.cos(angle) * across * flip, -torch.sin(angle) * tall, spread(2 * how.shift) * scale], 1),
        torch.stack([torch.sin(angle) * across * flip, torch.cos(angle) * tall, spread(2 * how.shift) * scale], 1),
    ]
    rows[1][:, 2] += 2 * window.down * scale
    grid = F.affine_grid(torch.stack(rows, 1), [n, 3, side, side], align_corners=False)
    seen = F.grid_sample(chips.float(), grid, padding_mode="border", align_corners=False)
    if how is not NONE:
        seen = _lit(_covered(_coarser(_tinted(seen, how, rng), how, rng), how, rng), how, rng)
    return Views(seen, mirrored, -torch.rad2deg(angle))


def _tinted(seen: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """Some views made grey, and then each cast in a colour of its own."""
    n, channels = seen.shape[:2]
    faded = (torch.rand(n, generator=rng) < how.grey)[:, None, None, None]
    grey = (seen * torch.tensor(GREY_OF_BGR)[:, None, None]).sum(dim=1, keepdim=True)
    cast = torch.exp((torch.rand(n, channels, generator=rng) * 2 - 1) * how.tint)
    return torch.where(faded, grey, seen) * cast[:, :, None, None]


def _coarser(seen: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """Some views of a batch brought down to one smaller size and up again."""
    side = seen.shape[-1]
    chosen = torch.rand(len(seen), generator=rng) < how.coarse
    small = int(side * (1 + float(torch.rand(1, generator=rng))) / 2)
    if chosen.any():
        little = F.interpolate(seen[chosen], size=(small, small), mode="bilinear", antialias=True)
        seen[chosen] = F.interpolate(little, size=(side, side), mode="bilinear")
    return seen


def _covered(seen: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """A rectangle of some views made plain."""
    side = seen.shape[-1]
    for i in torch.nonzero(torch.rand(len(seen), generator=rng) < how.erase).flatten().tolist():
        tall, wide, down, across, bright = torch.rand(5, generator=rng).tolist()
        height, width = (int(side * (1 + 3 * share) / 8) for share in (tall, wide))
        top, left = int((side - height) * down), int((side - width) * across)
        seen[i, :, top : top + height, left : left + width] = 255 * bright
    return seen


def _lit(seen: Tensor, how: Augmentation, rng: torch.Generator) -> Tensor:
    """Another exposure, and noise."""
    n = len(seen)

    def spread(most: float) -> Tensor:
        return ((torch.rand(n, generator=rng) * 2 - 1) * most)[:, None, None, None]

    bent = 255 * (seen / 255).clamp(1e-3, 1) ** torch.exp(spread(how.gamma))
    middle = bent.mean(dim=(1, 2, 3), keepdim=True)
    lit = middle + (bent - middle) * torch.exp(spread(how.contrast)) + spread(how.brightness)
    noise = torch.randn(lit.shape, generator=rng) * spread(how.noise).abs()
    return (lit + noise).clamp(0, 255)
