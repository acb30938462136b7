"""Networks say the same without their idle channels."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.builder.idle_channels import drop_idle_channels
from models.builder.rewrites import BLOCK

HIDDEN = 3 * BLOCK
IDLE = slice(0, BLOCK + 3)  # more than a block, so that one can go

Weights = dict[str, NDArray[np.float32]]


@pytest.fixture
def weights() -> Weights:
    """Three channels to HIDDEN, each on its own, and back."""
    shapes = {
        **{"widen": (HIDDEN, 3, 1, 1), "widen_bias": (HIDDEN,), "bend": (HIDDEN, 1, 1)},
        **{"each": (HIDDEN, 1, 3, 3), "each_bias": (HIDDEN,), "narrow": (3, HIDDEN, 1, 1), "narrow_bias": (3,)},
    }
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def bottleneck(weights: Weights) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "widen", "widen_bias"], ["wide"]),
        helper.make_node("PRelu", ["wide", "bend"], ["bent"]),
        helper.make_node("Conv", ["bent", "each", "each_bias"], ["apart"], group=HIDDEN, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["apart"], ["positive"]),
        helper.make_node("Conv", ["positive", "narrow", "narrow_bias"], ["back"]),
        helper.make_node("Add", ["back", "x"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3, 6, 6]) for name in ("x", "y")]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def said(model: onnx.ModelProto) -> NDArray[np.float32]:
    onnx.checker.check_model(model, full_check=True)
    image = np.random.default_rng(1).normal(size=(2, 3, 6, 6)).astype(np.float32)
    return ReferenceEvaluator(model).run(None, {"x": image})[0]


def hidden(model: onnx.ModelProto) -> int:
    """How many channels the middle convolution has."""
    tensors = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    return tensors[model.graph.node[2].input[1]][0]


def dropped(weights: Weights) -> int:
    """How many hidden channels go, where the network says the same before and after."""
    model = bottleneck(weights)
    before = said(model)
    drop_idle_channels(model)
    assert said(model) == pytest.approx(before, abs=1e-4)
    return HIDDEN - hidden(model)


def test_channels_of_which_all_differ_stay(weights: Weights) -> None:
    assert dropped(weights) == 0


def test_what_is_the_same_everywhere_goes_into_the_next_bias(weights: Weights) -> None:
    weights["each"][IDLE] = 1e-9
    assert dropped(weights) == BLOCK


def test_what_nobody_reads_goes(weights: Weights) -> None:
    weights["narrow"][:, IDLE] = 0
    assert dropped(weights) == BLOCK


def test_what_is_nothing_everywhere_goes(weights: Weights) -> None:
    weights["widen"][IDLE] = weights["widen_bias"][IDLE] = 0
    assert dropped(weights) == BLOCK


def test_what_the_border_changes_stays(weights: Weights) -> None:
    """Around the picture there are zeros, and not what the channel is."""
    weights["widen"][IDLE] = 0
    weights["widen_bias"][IDLE] = 1
    assert dropped(weights) == 0


def test_what_something_else_reads_stays(weights: Weights) -> None:
    model = bottleneck(weights | {"each": np.zeros_like(weights["each"])})
    model.graph.node.append(helper.make_node("GlobalAveragePool", ["positive"], ["means"]))
    model.graph.output.append(helper.make_tensor_value_info("means", onnx.TensorProto.FLOAT, [None, HIDDEN, 1, 1]))
    before = said(model)
    drop_idle_channels(model)
    assert hidden(model) == HIDDEN
    assert said(model) == pytest.approx(before, abs=1e-4)
