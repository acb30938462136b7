"""From a torch module to the ONNX file that is committed: half-precision weights, which the builder makes whole."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from models.builder.halves import to_halves
from models.training.product import SEEN
from models.training.smaller import ByArea

OPSET = 17


def export(net: nn.Module, side: int, outputs: Sequence[str], file: Path) -> None:
    """Write a network that takes views of this side as one that takes a batch of the product's chips; its outputs by
    name.
    """
    buffer = io.BytesIO()
    axes = {name: {0: "batch"} for name in ("chips", *outputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs another package
        torch.onnx.export(
            _Shipped(net, side).eval().to(memory_format=torch.contiguous_format),
            (torch.zeros(1, 3, SEEN.side, SEEN.side),),
            buffer,
            input_names=["chips"],
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(to_halves(model).SerializeToString(deterministic=True))


class _Shipped(nn.Module):
    """Of a network of small views, one of the product's chips, which are brought down by area."""

    def __init__(self, net: nn.Module, side: int) -> None:
        super().__init__()
        self.net = net
        self.smaller = ByArea(SEEN.side, side)

    def forward(self, chips: Tensor) -> Any:
        return self.net(self.smaller(chips))
