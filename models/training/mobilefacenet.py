"""MobileFaceNet (Chen and others, 2018) as torch modules, and how they start from the embedding network.

Batch normalisation is folded into the published weights and stays so: they are fine-tuned without it. The slopes of the
PReLUs stay as published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from mien.vision.manifest import load_manifest
from models.builder.__main__ import MANIFEST, read_files
from models.builder.convert import plain
from models.training.fitting import channels_of

SHRINKS = 16  # pixels of a side to a cell of the last map
CHANNELS, FEATURES = 128, 512
GAIN = 10.0  # the means of the embedding network's last features are small

# Channels in, inside and out, and stride, of each bottleneck; those that keep channels and size add their input.
_TRUNK = (
    (64, 128, 64, 2),
    *[(64, 128, 64, 1)] * 4,
    (64, 256, 128, 2),
    *[(128, 256, 128, 1)] * 6,
    (128, 512, CHANNELS, 2),
)
_BRANCH = ((CHANNELS, 256, CHANNELS, 1),) * 2


class FixedPReLU(nn.Module):
    """A PReLU whose slopes are not fitted."""

    slope: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("slope", torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        slope = self.slope.to(x.dtype)
        if torch.is_grad_enabled():
            return cast(Tensor, _PReLU.apply(x, slope))
        return F.prelu(x, slope)


class _PReLU(torch.autograd.Function):
    """What torch's own says, learnt from in less time: torch also computes what the slopes should learn."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return F.prelu(x, slope)

    @staticmethod
    def backward(ctx: Any, wrong: Tensor) -> tuple[Tensor, None]:
        x, slope = ctx.saved_tensors
        by_channel = slope.reshape(1, -1, 1, 1)
        above = torch.ops.aten.threshold_backward(wrong, x, 0)
        return above.mul_(1 - by_channel).addcmul_(wrong, by_channel), None


class _Bottleneck(nn.Module):
    def __init__(self, before: int, inside: int, after: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(before, inside),
            _conv(inside, inside, 3, stride, groups=inside),
            nn.Conv2d(inside, after, 1),
        )
        self.adds = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.adds else y


def trunk() -> nn.Sequential:
    """Its layers up to the last map of CHANNELS; a stem of two convolutions and 13 bottlenecks."""
    return nn.Sequential(
        _conv(3, 64, 3, stride=2), _conv(64, 64, 3, groups=64), *(_Bottleneck(*shape) for shape in _TRUNK)
    )


def branch() -> nn.Sequential:
    """Those from there to a map of FEATURES."""
    return nn.Sequential(*(_Bottleneck(*shape) for shape in _BRANCH), _conv(CHANNELS, FEATURES))


def to_trunk(seen: Tensor) -> Tensor:
    """What the trunk takes of BGR, 0-255."""
    return ((seen - 127.5) / 128).contiguous(memory_format=torch.channels_last)


def start_from_embedding(*parts: nn.Sequential) -> None:
    """Fill a trunk and a branch with the embedding network's weights, as it was published."""
    spec = load_manifest(MANIFEST).for_task("embedding")
    layers = _layers_of(plain(spec, read_files(spec)))
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d):
                layers.fill_convolution(module)
            elif isinstance(module, FixedPReLU):
                layers.fill_activation(module)


@torch.no_grad()
def narrow(parts: Sequence[nn.Sequential], widths: Sequence[int], show: Callable[[], object]) -> None:
    """Leave so many channels within the stem and within each bottleneck of a trunk and what follows it: those that
    tell most to what reads them while `show` lets the network see. What the others say on average is kept. It has to
    learn again.
    """
    trunk = parts[0]
    bottlenecks = [layer for part in parts for layer in part if isinstance(layer, _Bottleneck)]
    within = [
        ([trunk[0], trunk[1]], bottlenecks[0].layers[0][0]),
        *(([each.layers[0], each.layers[1]], each.layers[2]) for each in bottlenecks),
    ]
    given = channels_of([makers[-1] for makers, _ in within], show)
    for (makers, reader), (mean, spread), width in zip(within, given, widths, strict=True):
        told = reader.weight.flatten(2).sum(dim=2)  # of a pointwise convolution
        kept = (spread * told.norm(dim=0)).topk(width).indices.sort().values
        left_out = torch.ones(len(mean), dtype=torch.bool)
        left_out[kept] = False
        reader.bias += told[:, left_out] @ mean[left_out]
        reader.weight, reader.in_channels = nn.Parameter(reader.weight[:, kept]), width
        for convolution, activation in makers:
            if convolution.groups > 1:
                convolution.groups = convolution.in_channels = width
            convolution.weight, convolution.bias = (
                nn.Parameter(each[kept]) for each in (convolution.weight, convolution.bias)
            )
            convolution.out_channels, activation.slope = width, activation.slope[kept]


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups), FixedPReLU(after))


@dataclass(frozen=True)
class _Layers:
    """Of a published network, in the order they run in."""

    convolutions: Iterator[tuple[Tensor, Tensor]]
    slopes: Iterator[Tensor]

    @torch.no_grad()
    def fill_convolution(self, convolution: nn.Conv2d) -> None:
        weight, bias = next(self.convolutions)
        convolution.weight.copy_(weight)
        assert convolution.bias is not None
        convolution.bias.copy_(bias)

    @torch.no_grad()
    def fill_activation(self, activation: FixedPReLU) -> None:
        activation.slope.copy_(next(self.slopes).flatten())


def _layers_of(model: onnx.ModelProto) -> _Layers:
    graph = model.graph
    tensors = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    kernels = (node.input for node in graph.node if node.op_type == "Conv")
    slopes = (tensors[node.input[1]] for node in graph.node if node.op_type == "PRelu")
    return _Layers(((tensors[weight], tensors[bias]) for _, weight, bias in kernels), slopes)
