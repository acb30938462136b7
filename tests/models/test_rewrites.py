"""Rewritten networks say the same, in operators that stay in the blocked layout."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.builder.rewrites import BLOCK, join_branches, name_copies, pad_channels, replace_prelu

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 3, 6, 6)).astype(np.float32)


def network(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """From `x` to `y`, three channels wide at either end."""
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3, 6, 6]) for name in ("x", "y")]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def bottleneck(slope: float = 0.25) -> onnx.ModelProto:
    """Three channels to five, each on its own, and back, as pruned networks have it."""
    nodes = [
        helper.make_node("Conv", ["x", "widen", "bias"], ["wide"]),
        helper.make_node("PRelu", ["wide", "slopes"], ["bent"]),
        helper.make_node("Conv", ["bent", "each"], ["apart"], group=5, pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["apart", "narrow"], ["back"]),
        helper.make_node("Add", ["back", "x"], ["y"]),
    ]
    shapes = {"widen": (5, 3, 1, 1), "bias": (5,), "each": (5, 1, 3, 3), "narrow": (3, 5, 1, 1)}
    weights = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    slopes = np.array([slope, 0.0, 0.5, 1.0, -0.1], np.float32).reshape(5, 1, 1)
    return network(nodes, weights | {"slopes": slopes})


def said(model: onnx.ModelProto) -> NDArray[np.float32]:
    onnx.checker.check_model(model, full_check=True)
    return ReferenceEvaluator(model).run(None, {"x": IMAGE})[0]


def channels(model: onnx.ModelProto) -> dict[str, list[int]]:
    return {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}


@pytest.mark.parametrize("slope", [0.25, 1.75])
def test_a_prelu_becomes_convolutions_that_say_the_same(slope: float) -> None:
    model = bottleneck(slope)
    before = said(model)
    replace_prelu(model)
    assert {node.op_type for node in model.graph.node} == {"Conv", "Relu", "Add"}
    assert "slopes" not in channels(model)
    assert said(model) == pytest.approx(before, abs=1e-5)


def test_channels_between_convolutions_are_filled_up_to_a_block() -> None:
    model = bottleneck()
    before = said(model)
    pad_channels(model)
    assert channels(model) == {
        "widen": [BLOCK, 3, 1, 1],
        "bias": [BLOCK],
        "each": [BLOCK, 1, 3, 3],
        "narrow": [3, BLOCK, 1, 1],
        "slopes": [BLOCK, 1, 1],
    }
    assert said(model) == pytest.approx(before, abs=1e-5)


def test_channels_that_something_else_reads_stay_as_they_are() -> None:
    weights = {name: RNG.normal(size=(3, 3, 1, 1)).astype(np.float32) for name in ("first", "second")}
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"]),
        helper.make_node("Sigmoid", ["a"], ["gate"]),
        helper.make_node("Conv", ["a", "second"], ["b"]),
        helper.make_node("Mul", ["b", "gate"], ["y"]),
    ]
    model = network(nodes, weights)
    before = said(model)
    pad_channels(model)
    assert channels(model) == {"first": [3, 3, 1, 1], "second": [3, 3, 1, 1]}
    assert said(model) == pytest.approx(before)


def test_weights_that_the_graph_copies_are_read_where_they_are() -> None:
    nodes = [
        helper.make_node("Identity", ["first"], ["copy"]),
        helper.make_node("Conv", ["x", "first"], ["a"]),
        helper.make_node("Conv", ["a", "copy"], ["y"]),
    ]
    model = network(nodes, {"first": RNG.normal(size=(3, 3, 1, 1)).astype(np.float32)})
    before = said(model)
    name_copies(model)
    assert [node.op_type for node in model.graph.node] == ["Conv", "Conv"]
    assert said(model) == pytest.approx(before)


def two_heads() -> onnx.ModelProto:
    """One channel and two, each from a convolution that mixes and one that does not, side by side."""
    nodes = [
        helper.make_node("Conv", ["x", "a", "a_bias"], ["a_mixed"]),
        helper.make_node("Conv", ["a_mixed", "a_each"], ["a_apart"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["x", "b", "b_bias"], ["b_mixed"]),
        helper.make_node("Conv", ["b_mixed", "b_each"], ["b_apart"], group=2, pads=[1, 1, 1, 1]),
        helper.make_node("Concat", ["a_apart", "b_apart"], ["y"], axis=1),
    ]
    shapes = {"a": (1, 3, 1, 1), "a_bias": (1,), "a_each": (1, 1, 3, 3), "b": (2, 3, 1, 1), "b_bias": (2,)}
    shapes["b_each"] = (2, 1, 3, 3)
    return network(nodes, {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


def test_branches_that_end_side_by_side_become_one() -> None:
    model = two_heads()
    before = said(model)
    join_branches(model)
    assert [(node.op_type, len(node.input)) for node in model.graph.node] == [("Conv", 3), ("Conv", 2)]
    assert sorted(channels(model).values()) == [[3], [3, 1, 3, 3], [3, 3, 1, 1]]
    assert said(model) == pytest.approx(before, abs=1e-5)


def test_branches_that_see_different_maps_stay_apart() -> None:
    model = two_heads()
    model.graph.node.insert(0, helper.make_node("Relu", ["x"], ["positive"]))
    model.graph.node[1].input[0] = "positive"
    before = said(model)
    join_branches(model)
    assert [node.op_type for node in model.graph.node] == ["Relu", *["Conv"] * 4, "Concat"]
    assert said(model) == pytest.approx(before)


def test_branches_of_different_kinds_stay_apart() -> None:
    model = two_heads()
    model.graph.node[1].attribute.append(helper.make_attribute("strides", [1, 1]))
    before = said(model)
    join_branches(model)
    assert [node.op_type for node in model.graph.node] == [*["Conv"] * 4, "Concat"]
    assert said(model) == pytest.approx(before)
