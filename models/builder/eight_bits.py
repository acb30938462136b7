"""Weights kept in eight bits: a quarter of the bytes, made whole when the network is loaded.

The arithmetic stays that of single precision; `static_int8` is for where it need not.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.builder.rewrites import replace_nodes

_FEWEST = 2048  # smaller tensors stay as they are
_LARGEST = 127
_SUFFIX = "/eight_bits"


def to_eight_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, the larger weights of its layers rounded, in steps of their own for each channel."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    scalings: list[onnx.NodeProto] = []
    for name, channels in sorted(_channel_axes(model).items()):
        tensor = weights.get(name)
        if tensor is not None and tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= _FEWEST:
            whole, steps = by_channel(numpy_helper.to_array(tensor), channels, _LARGEST)
            steps_name = f"{name}/steps"
            tensor.CopyFrom(numpy_helper.from_array(whole, f"{name}{_SUFFIX}"))
            model.graph.initializer.append(numpy_helper.from_array(steps, steps_name))
            scalings.append(helper.make_node("Cast", [tensor.name], [f"{name}/whole"], to=onnx.TensorProto.FLOAT))
            scalings.append(helper.make_node("Mul", [f"{name}/whole", steps_name], [name]))
    replace_nodes(model, [*scalings, *model.graph.node])
    return model


def by_channel(weights: NDArray[np.float32], axis: int, largest: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers of up to `largest`, and the step of each channel along an axis, as broad as the weights are."""
    others = tuple(other for other in range(weights.ndim) if other != axis)
    steps = np.maximum(np.abs(weights).max(axis=others, keepdims=True) / largest, np.finfo(np.float32).tiny)
    return np.rint(weights / steps).astype(np.int8), steps.astype(np.float32)


def _channel_axes(model: onnx.ModelProto) -> dict[str, int]:
    """The weights of convolutions and dense layers, by name, and the axis of the channels that they make."""
    axes = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            axes[node.input[1]] = 0
        elif node.op_type == "Gemm":
            transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            axes[node.input[1]] = 0 if transposed else 1
    return axes
