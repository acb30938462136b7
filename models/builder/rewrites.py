"""The same network in operators that onnxruntime's blocked layout (NCHWc) has, so that it need not leave it.

Whole blocks of channels run several times as fast as the rest, and every operator that the layout lacks costs a copy
there and back.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

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


def join_branches(model: onnx.ModelProto) -> None:
    """Where channels of one map are made by several convolutions and then put side by side, one makes them all: of few
    channels each, they fill no block.
    """
    made_by = {node.output[0]: node for node in model.graph.node}
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        rows: list[list[onnx.NodeProto]] = []
        seen, mixed = list(node.input) if node.op_type == "Concat" else [], False
        while not mixed and _are_alike([made_by.get(name) for name in seen], tensors):
            rows.insert(0, [made_by[name] for name in seen])
            seen, mixed = [branch.input[0] for branch in rows[0]], _mixes(rows[0][0], tensors)
        nodes += _joined(model, rows, tensors, node.output[0]) if mixed and len(set(seen)) == 1 else [node]
    replace_nodes(model, nodes)
    drop_unread(model)


def _are_alike(branches: list[onnx.NodeProto | None], tensors: dict[str, NDArray[np.float32]]) -> bool:
    """Whether all are convolutions, which differ in nothing but their weights and how many channels they make."""
    kinds = {_kind(node, tensors) if node is not None and node.op_type == "Conv" else None for node in branches}
    return len(kinds) == 1 and None not in kinds


def _kind(node: onnx.NodeProto, tensors: dict[str, NDArray[np.float32]]) -> tuple[object, ...]:
    kept = {name: value for name, value in attributes_of(node).items() if name != "group"}
    return len(node.input), tensors[node.input[1]].shape[1:], _mixes(node, tensors), repr(sorted(kept.items()))


def _mixes(node: onnx.NodeProto, tensors: dict[str, NDArray[np.float32]]) -> bool:
    """Whether a convolution makes a channel of several, or several of one."""
    made, of = tensors[node.input[1]].shape[:2]
    return of > 1 or attributes_of(node).get("group", 1) < made


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """By name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _joined(
    model: onnx.ModelProto, rows: list[list[onnx.NodeProto]], tensors: dict[str, NDArray[np.float32]], result: str
) -> list[onnx.NodeProto]:
    """One convolution for each row of them: the first row sees one map and mixes its channels, the others do not, and
    the last makes the result.
    """
    (x, *_) = rows[0][0].input
    nodes = []
    for i, branches in enumerate(rows):
        y = result if i == len(rows) - 1 else f"{result}/{i}"
        names = []
        for place in range(1, len(branches[0].input)):
            values = np.concatenate([tensors[branch.input[place]] for branch in branches])
            names.append(f"{y}/{place}")
            model.graph.initializer.append(numpy_helper.from_array(values, names[-1]))
        group = {"group": len(values)} if i > 0 else {}
        nodes.append(helper.make_node("Conv", [x, *names], [y], **(attributes_of(branches[0]) | group)))
        x = y
    return nodes


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
    drop_unread(model)


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


def drop_unread(model: onnx.ModelProto) -> None:
    """Operators and tensors on which no output depends."""
    read = {output.name for output in model.graph.output}
    nodes = []
    for node in reversed(model.graph.node):
        if read.intersection(node.output):
            nodes.append(node)
            read.update(node.input)
    replace_nodes(model, nodes[::-1])
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
