"""Square pictures brought down by area, as matrices, which every runtime multiplies fast."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ByArea(nn.Module):
    """(n, c, before, before) to (n, c, after, after)."""

    shares: Tensor

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.register_buffer("shares", _shares(before, after))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.shares @ pictures @ self.shares.T


def _shares(before: int, after: int) -> Tensor:
    """(after, before): which share of each pixel goes into each of the fewer that are made of them."""
    edges = torch.linspace(0, before, after + 1)
    starts = torch.arange(before)
    shared = torch.minimum(edges[1:, None], starts + 1) - torch.maximum(edges[:-1, None], starts)
    return shared.clamp(min=0) * after / before
