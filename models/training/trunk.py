"""The convolutions of the embedding network as a torch module: what Mien's own networks start from.

MobileFaceNet (Chen and others, 2018) up to its last feature map. Batch normalisation is folded into the published
weights and stays so: networks are fine-tuned without it. The slopes of its PReLUs stay as published.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from models.builder.halves import from_halves

FEATURES = 512
GAIN = 10.0

# Channels in, inside and out, and stride, of each bottleneck; those that keep channels and size add their input.
_BOTTLENECKS = (
    (64, 128, 64, 2),
    *[(64, 128, 64, 1)] * 4,
    (64, 256, 128, 2),
    *[(128, 256, 128, 1)] * 6,
    (128, 512, 128, 2),
    *[(128, 256, 128, 1)] * 2,
)


class Trunk(nn.Sequential):
    """(n, 3, height, width) BGR, `(pixel - 127.5) / 128`, to (n, 512, height / 16, width / 16)."""

    def __init__(self) -> None:
        super().__init__(
            _conv(3, 64, 3, stride=2),
            _conv(64, 64, 3, groups=64),
            *(_Bottleneck(*shape) for shape in _BOTTLENECKS),
            _conv(128, FEATURES),
        )

    def load_embedding(self, path: Path) -> None:
        """Take the weights of the built embedding network: convolutions and slopes come in the order they run in."""
        graph = from_halves(onnx.load(path)).graph
        tensors = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
        kernels = [node for node in graph.node if node.op_type == "Conv"]
        slopes = [tensors[node.input[1]] for node in graph.node if node.op_type == "Mul"]
        convs = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        activations = [module for module in self.modules() if isinstance(module, FixedPReLU)]
        with torch.no_grad():
            for conv, node in zip(convs, kernels, strict=False):  # the last two make the embedding
                conv.weight.copy_(tensors[node.input[1]])
                assert conv.bias is not None
                conv.bias.copy_(tensors[node.input[2]])
            for activation, slope in zip(activations, slopes, strict=True):
                activation.slope.copy_(slope.flatten()[:, None, None])


class Head(nn.Module):
    """Logits from the trunk's last feature map, whose means are small."""

    def __init__(self, classes: int, dropped: float = 0.2) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropped)
        self.linear = nn.Linear(FEATURES, classes)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.drop(GAIN * features.mean(dim=(2, 3))))
        return logits


class FixedPReLU(nn.Module):
    """A PReLU whose slopes are not fitted, which saves a fifth of the time."""

    slope: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("slope", torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        if torch.onnx.is_in_onnx_export():
            return F.prelu(x, self.slope.flatten())
        sloped: Tensor = _Sloped.apply(x, self.slope)
        return sloped


class _Sloped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return torch.where(x > 0, x, x * slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, slope = ctx.saved_tensors
        return torch.where(x > 0, gradient, gradient * slope), None


class _Bottleneck(nn.Module):
    def __init__(self, before: int, inside: int, after: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(before, inside), _conv(inside, inside, 3, stride, groups=inside), nn.Conv2d(inside, after, 1)
        )
        self.adds = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.adds else y


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups), FixedPReLU(after))
