"""From a torch module to the ONNX file that is committed: half-precision weights, which the builder makes whole."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from models.builder.halves import to_halves

OPSET = 17


def export(net: nn.Module, example: Tensor, outputs: Sequence[str], file: Path) -> None:
    """Write a network that takes a batch of chips; its outputs by name."""
    buffer = io.BytesIO()
    axes = {name: {0: "batch"} for name in ("chips", *outputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs another package
        torch.onnx.export(
            net.eval().to(memory_format=torch.contiguous_format),
            (example,),
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
