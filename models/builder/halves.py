"""Weights kept in half precision: half the bytes, cast when the network is loaded."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from models.builder.rewrites import replace_nodes

_FEWEST = 256  # smaller tensors stay as they are
_SMALLEST = 2.0**-8  # and those whose weights all are: float16 has few of them, as the first ones on pixels of 0 to 255
_SUFFIX = "/half"
_ROUNDING = ("QuantizeLinear", "DequantizeLinear")  # whose steps onnxruntime must be able to read


def to_halves(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, its larger float32 weights rounded to float16 and cast back by the graph."""
    casts = []
    steps = {name for node in model.graph.node if node.op_type in _ROUNDING for name in node.input[1:]}
    for tensor in model.graph.initializer:
        if tensor.name not in steps and _is_halved(tensor):
            name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, f"{name}{_SUFFIX}"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    replace_nodes(model, [*casts, *model.graph.node])
    return model


def _is_halved(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < _FEWEST:
        return False
    return bool(np.abs(numpy_helper.to_array(tensor)).max() >= _SMALLEST)


def from_halves(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, its float16 weights as float32."""
    nodes = [node for node in model.graph.node if not node.input or not node.input[0].endswith(_SUFFIX)]
    replace_nodes(model, nodes)
    for tensor in model.graph.initializer:
        if tensor.name.endswith(_SUFFIX):
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name.removesuffix(_SUFFIX)))
    return model
