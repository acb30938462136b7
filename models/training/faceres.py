"""faceres as a torch module: a published MobileNet (Howard and others, 2017) that tells ages and genders.

Batch normalisation is folded into the published weights and stays so. Its own last layers are left out.
"""

from __future__ import annotations

import json

import torch
from torch import Tensor, nn

from mien.vision.manifest import Source
from models.builder.__main__ import CACHE
from models.builder.convert import Weights, read_tfjs_weights
from models.builder.fetch import fetch, read_members
from models.training.augment import Window
from models.training.chips import SCALE
from models.training.fitting import in_halves
from models.training.looks_network import Looks, looks_of

GRAPH, BINARY = "package/models/faceres.json", "package/models/faceres.bin"
SOURCE = Source(
    "npm",
    "@vladmandic/human",
    "3.3.6",
    "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7",
    (GRAPH, BINARY),
    "the package itself",
)

VIEW = Window(side=224, scale=1.2 / SCALE, down=0.0)
MEAN_BGR = (103.939, 116.779, 123.68)
FEATURES = 1024
UNCHANGED = 4  # layers, those of most pixels, stay as they were published

# Channels before and after, and stride, of each separable convolution behind the first, which makes 32.
_SEPARABLE = (
    (32, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 256, 2),
    (256, 256, 1),
    (256, 512, 2),
    *[(512, 512, 1)] * 5,
    (512, 1024, 2),
    (1024, FEATURES, 1),
)


class FaceRes(nn.Module):
    """(n, 3, 224, 224) BGR, 0-255, to ages and genders; of poses it knows nothing."""

    def __init__(self, ages: int, genders: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Sequential(*_convolution(3, 32, 3, 2)),
            *(
                nn.Sequential(*_convolution(before, before, 3, stride, before), *_convolution(before, after))
                for before, after, stride in _SEPARABLE
            ),
        )
        self.head = nn.ModuleList([nn.Linear(FEATURES, ages), nn.Linear(FEATURES, genders)])
        for linear in self.head:
            nn.init.zeros_(linear.weight)
        self.drop = nn.Dropout(0.3)
        self._fill(_published())
        self.layers[:UNCHANGED].requires_grad_(False)

    def forward(self, seen: Tensor) -> Looks:
        centred = seen - seen.new_tensor(MEAN_BGR)[:, None, None]
        with in_halves():
            maps = self.layers(centred.contiguous(memory_format=torch.channels_last))
        features = self.drop(maps.float().mean(dim=(2, 3)))
        ages, genders = (linear(features) for linear in self.head)
        return Looks(ages, genders, seen.new_zeros(len(seen), 3))

    def said(self, chips: Tensor) -> Looks:
        """What it says of stored (n, c, size, size) chips as they are."""
        return looks_of(self, chips, VIEW)

    @torch.no_grad()
    def _fill(self, weights: Weights) -> None:
        """Kernels are stored as (height, width, in, out), or (height, width, channels, 1) with a factor beside them."""
        tensors = {name: torch.tensor(values) for name, values in weights.items()}
        names = ["conv1", *(f"conv_{kind}_{i}" for i in range(1, len(_SEPARABLE) + 1) for kind in ("dw", "pw"))]
        convolutions = [module for module in self.layers.modules() if isinstance(module, nn.Conv2d)]
        for name, convolution in zip(names, convolutions, strict=True):
            if convolution.groups > 1:
                kernel = tensors[f"{name}/depthwise_kernel"].permute(2, 3, 0, 1)
                kernel = kernel * tensors[f"{name}_bn/batchnorm_1/mul"][:, None, None, None]
            else:
                kernel = tensors[f"{name}/convolution/merged_input"].permute(3, 2, 0, 1)
            convolution.weight.copy_(kernel)
            assert convolution.bias is not None
            convolution.bias.copy_(tensors[f"{name}_bn/batchnorm_1/sub"])


def _published() -> Weights:
    files = read_members(fetch(SOURCE, CACHE), SOURCE.members)
    return read_tfjs_weights(json.loads(files[GRAPH])["weightsManifest"], files[BINARY])


def _convolution(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """With TensorFlow's "same" padding: with stride 2 the extra row and column go last."""
    pad = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = 0 if stride == 2 else kernel // 2
    return [*pad, nn.Conv2d(before, after, kernel, stride, padding, groups=groups), nn.ReLU6()]
