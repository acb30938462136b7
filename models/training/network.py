"""The attributes network as a torch module, and how it starts from the embedding network.

Its convolutions are those of MobileFaceNet (Chen and others, 2018) up to the last feature map. Batch normalisation is
folded into the published weights and stays so: they are fine-tuned without it. The slopes of its PReLUs stay as
published.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from mien.vision.manifest import load_manifest
from models.builder.__main__ import MANIFEST, read_files
from models.builder.convert import plain

SIDE = 64
CELLS = (SIDE // 16) ** 2
CHANNELS, FEATURES = 128, 512
GAIN = 10.0  # the means of the embedding network's last features are small
DEGREES_PER_UNIT = 15.0

# Channels in, inside and out, and stride, of each bottleneck; those that keep channels and size add their input.
_TRUNK = (
    (64, 128, 64, 2),
    *[(64, 128, 64, 1)] * 4,
    (64, 256, 128, 2),
    *[(128, 256, 128, 1)] * 6,
    (128, 512, CHANNELS, 2),
)
_BRANCH = ((CHANNELS, 256, CHANNELS, 1),) * 2


class Said(NamedTuple):
    """Logits of the sentiments (n, 7), of the bands of age (n, 9) and of the genders (n, 2); yaw, pitch and roll of
    the chip in degrees (n, 3).
    """

    sentiments: Tensor
    ages: Tensor
    genders: Tensor
    pose: Tensor

    def parted(self, first: int) -> tuple[Said, Said]:
        """Of the first faces, and of the others."""
        return Said(*(each[:first] for each in self)), Said(*(each[first:] for each in self))


class AttributesNet(nn.Module):
    """(n, 3, 64, 64) BGR, 0-255, to what is said of each. Expression and looks have their last layers to themselves."""

    def __init__(self, sentiments: int, ages: int, genders: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _conv(3, 64, 3, stride=2), _conv(64, 64, 3, groups=64), *(_Bottleneck(*shape) for shape in _TRUNK)
        )
        self.expression, self.looks = _branch(), _branch()
        self.sentiments = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, sentiments))
        self.ages = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, ages))
        self.genders = nn.Sequential(nn.Dropout(0.3), nn.Linear(FEATURES, genders))
        self.pose = nn.Linear(CHANNELS * CELLS, 3)

    def load_embedding(self) -> None:
        """Start from the embedding network, as it was published."""
        spec = load_manifest(MANIFEST).for_task("embedding")
        published = plain(spec, read_files(spec))
        for branch in (self.expression, self.looks):
            layers = _layers_of(published)
            for module in itertools.chain(self.trunk.modules(), branch.modules()):
                if isinstance(module, nn.Conv2d):
                    layers.fill_convolution(module)
                elif isinstance(module, FixedPReLU):
                    layers.fill_activation(module)

    def forward(self, seen: Tensor) -> Said:
        shared = self.trunk(((seen - 127.5) / 128).contiguous(memory_format=torch.channels_last))
        mood, looks = (GAIN * branch(shared).mean(dim=(2, 3)) for branch in (self.expression, self.looks))
        pose = DEGREES_PER_UNIT * self.pose(shared.flatten(1))
        return Said(self.sentiments(mood), self.ages(looks), self.genders(looks), pose)


class Shipped(nn.Module):
    """The same for (n, 3, 128, 128) chips, as the product cuts them, the other network seeing their middles finer."""

    def __init__(self, net: AttributesNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, chips: Tensor) -> Said:
        said: Said = self.net(F.avg_pool2d(chips, 2))
        return said


class FixedPReLU(nn.Module):
    """A PReLU whose slopes are not fitted."""

    slope: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("slope", torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.slope)


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


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups), FixedPReLU(after))


def _branch() -> nn.Sequential:
    return nn.Sequential(*(_Bottleneck(*shape) for shape in _BRANCH), _conv(CHANNELS, FEATURES))


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
