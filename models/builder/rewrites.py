"""The same network in operators that onnxruntime's blocked layout (NCHWc) has, so that it need not leave it.

Whole blocks of channels run several times as fast as the rest, and every operator that the layout lacks costs a copy
there and back.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

BLOCK = 16  # channels, with AVX-512; others have 8 or 4


def name_copies(model: onnx.ModelProto) -> None:
    """PyTorch writes equal weights once, and has the graph copy them: use the one."""
    original = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity"}
    nodes = [node for node in model.graph.node if node.op_type != "Identity"]
    for node in nodes:
        node.input[:] = [original.get(name, name) for name in node.input]
    replace_nodes(model, nodes)


def replace_prelu(model: onnx.ModelProto) -> None:
    """PReLU as convolutions of one pixel and one channel each, which take in ReLU and sum: slope·x + relu((1-slope)·x),
    or slope·x + (1-slope)·relu(x) where a slope is over one.
    """
    slopes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "PRelu":
            (x, slope), (y,) = node.input, node.output
            nodes += _prelu(model, slopes[slope].reshape(-1, 1, 1, 1), x, y)
        else:
            nodes.append(node)
    replace_nodes(model, nodes)
    _drop_unused(model)


def _prelu(model: onnx.ModelProto, slopes: NDArray[np.float32], x: str, y: str) -> list[onnx.NodeProto]:
    def times(factors: NDArray[np.float32], given: str, result: str) -> onnx.NodeProto:
        model.graph.initializer.append(numpy_helper.from_array(factors, f"{result}/factors"))
        return helper.make_node("Conv", [given, f"{result}/factors"], [result], group=len(factors), kernel_shape=[1, 1])

    def relu(given: str, result: str) -> onnx.NodeProto:
        return helper.make_node("Relu", [given], [result])

    rest, bent, sloped = f"{y}/rest", f"{y}/bent", f"{y}/sloped"
    if slopes.max() <= 1:
        above = [times(1 - slopes, x, rest), relu(rest, bent)]
    else:
        above = [relu(x, rest), times(1 - slopes, rest, bent)]
    return [*above, times(slopes, x, sloped), helper.make_node("Add", [sloped, bent], [y])]


def pad_channels(model: onnx.ModelProto) -> None:
    """Between convolutions, channels of zeros up to whole blocks: pruned networks have odd numbers of them."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    added: dict[str, int] = defaultdict(int)
    may_grow = _growable(model)
    for node in model.graph.node:
        if node.op_type == "PRelu":
            more = added[node.input[0]]
            _widen(weights[node.input[1]], 0, more)
            added[node.output[0]] = more
        elif node.op_type == "Conv":
            more = given = added[node.input[0]]
            group = _group(node)
            if group is None:
                _widen(weights[node.input[1]], 1, given)
                more = -weights[node.input[1]].dims[0] % BLOCK if node.output[0] in may_grow else 0
            elif given:
                group.i += given
            for name in node.input[1:]:
                _widen(weights[name], 0, more)
            added[node.output[0]] = more


def _growable(model: onnx.ModelProto) -> set[str]:
    """Tensors that nothing but PReLUs and convolutions see, until a convolution makes other channels of them."""
    readers = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    growable = set[str]()
    for node in reversed(model.graph.node):
        seen_by = readers[node.output[0]]
        if seen_by and all(
            reader.op_type in ("Conv", "PRelu")
            and ((reader.op_type == "Conv" and _group(reader) is None) or reader.output[0] in growable)
            for reader in seen_by
        ):
            growable.add(node.output[0])
    return growable


def _group(node: onnx.NodeProto) -> onnx.AttributeProto | None:
    """That of a convolution whose channels do not mix."""
    return next((a for a in node.attribute if a.name == "group" and a.i > 1), None)


def _widen(tensor: onnx.TensorProto, axis: int, count: int) -> None:
    values = numpy_helper.to_array(tensor)
    widths = [(0, count if i == axis else 0) for i in range(values.ndim)]
    tensor.CopyFrom(numpy_helper.from_array(np.pad(values, widths), tensor.name))


def replace_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """These instead of those that it has."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _drop_unused(model: onnx.ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
