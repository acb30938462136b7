"""Static INT8: convolutions and sums in whole numbers, between tensors whose ranges are known beforehand.

The ranges are measured in training and committed, so that the build needs no photos. The graph says what is rounded to
which steps (QuantizeLinear, DequantizeLinear); onnxruntime makes operators on whole numbers of that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.builder.eight_bits import by_channel
from models.builder.rewrites import drop_unread, replace_nodes

Range = tuple[float, float]

_LARGEST = 255  # of activations
_LARGEST_WEIGHT = 64
"""Seven bits: where a processor has no instructions for it, products are added in pairs in sixteen bits, and none of
255 · 64 overflows. So every processor computes the same.
"""


@dataclass(frozen=True)
class _Steps:
    """Of an activation: value = scale · (whole number - zero)."""

    scale: np.float32
    zero: int


def read_ranges(content: bytes) -> dict[str, Range]:
    """Tensors' names, and the least and greatest value that each had."""
    return {name: (low, high) for name, (low, high) in json.loads(content).items()}


def inner_tensors(model: onnx.ModelProto) -> list[str]:
    """What convolutions, and sums and ReLUs of what they gave, hand to each other and on; not what only a ReLU sees, as
    that becomes one with what made it.
    """
    readers = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node.op_type)
    made = set[str]()
    for node in model.graph.node:
        if node.op_type == "Conv" or (node.op_type in ("Relu", "Add") and made.issuperset(node.input)):
            made.add(node.output[0])
    return [
        name for node in model.graph.node for name in node.output if name in made and set(readers[name]) != {"Relu"}
    ]


def telling(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """The same network, which also gives these tensors."""
    told = onnx.ModelProto.FromString(model.SerializeToString())
    told.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return told


def to_static_int8(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """The same network, these tensors rounded to 256 steps over their ranges, and so are the weights of convolutions
    that see them, to steps of their own for each channel.
    """
    steps = {name: _steps(*between) for name, between in ranges.items()}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[0] in steps:
            nodes += _round_weights(model, node, steps[node.input[0]], weights)
        nodes.append(node)
        (made, *_) = node.output
        if made in steps:
            node.output[0] = f"{made}/exact"
            nodes += _round_activation(model, made, steps[made])
    replace_nodes(model, nodes)
    drop_unread(model)
    return model


def _steps(low: float, high: float) -> _Steps:
    """Zero, by which pictures are padded, is one of them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / _LARGEST)
    return _Steps(scale, round(-low / float(scale)))


def _round_activation(model: onnx.ModelProto, name: str, steps: _Steps) -> list[onnx.NodeProto]:
    scale, zero, whole = f"{name}/scale", f"{name}/zero", f"{name}/whole"
    _add(model, scale, steps.scale)
    _add(model, zero, np.uint8(steps.zero))
    return [
        helper.make_node("QuantizeLinear", [f"{name}/exact", scale, zero], [whole]),
        helper.make_node("DequantizeLinear", [whole, scale, zero], [name]),
    ]


def _round_weights(
    model: onnx.ModelProto, node: onnx.NodeProto, given: _Steps, weights: Mapping[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """A convolution's kernel, and its bias in steps of the products."""
    whole, steps = by_channel(numpy_helper.to_array(weights[node.input[1]]), 0, _LARGEST_WEIGHT)
    scales = steps.flatten()
    nodes = [_stored(model, node, 1, whole, scales)]
    if len(node.input) > 2:
        bias = numpy_helper.to_array(weights[node.input[2]])
        products = (scales * given.scale).astype(np.float32)
        nodes.append(_stored(model, node, 2, np.rint(bias / products).astype(np.int32), products))
    return nodes


def _stored(
    model: onnx.ModelProto, node: onnx.NodeProto, place: int, whole: NDArray[np.integer], scales: NDArray[np.float32]
) -> onnx.NodeProto:
    """Whole numbers for one of a node's weights, and the operator that makes it of them."""
    name = f"{node.output[0]}/{place}"
    _add(model, f"{name}/whole", whole)
    _add(model, f"{name}/scales", scales)
    node.input[place] = name
    return helper.make_node("DequantizeLinear", [f"{name}/whole", f"{name}/scales"], [name], axis=0)


def _add(model: onnx.ModelProto, name: str, values: NDArray[np.generic] | np.generic) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
