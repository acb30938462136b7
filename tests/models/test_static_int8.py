"""Networks say nearly the same in whole numbers, and onnxruntime computes them so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from mien import settings
from mien.vision.manifest import MANIFEST_NAME, load_manifest
from models.builder.convert import TRAINED_HERE
from models.builder.static_int8 import Range, inner_tensors, telling, to_static_int8

CHANNELS = 16
INT16_MAX = 32767
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(4, 3, 8, 8)).astype(np.float32)


@pytest.fixture
def residual() -> onnx.ModelProto:
    """A first convolution, then a block of two with a way around them."""
    nodes = [
        helper.make_node("Conv", ["x", "first", "first_bias"], ["seen"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["seen"], ["given"]),
        helper.make_node("Conv", ["given", "one", "one_bias"], ["within"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["within"], ["positive"]),
        helper.make_node("Conv", ["positive", "two", "two_bias"], ["back"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["back", "given"], ["both"]),
        helper.make_node("Relu", ["both"], ["left"]),
        helper.make_node("GlobalAveragePool", ["left"], ["y"]),
    ]
    shapes = {"first": (CHANNELS, 3, 3, 3)} | dict.fromkeys(("one", "two"), (CHANNELS, CHANNELS, 3, 3))
    weights = {name: RNG.normal(size=shape, scale=0.1) for name, shape in shapes.items()}
    weights |= {f"{name}_bias": RNG.normal(size=CHANNELS) for name in shapes}
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    sizes = {"x": [None, 3, 8, 8], "y": [None, CHANNELS, 1, 1]}
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size) for name, size in sizes.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def ranges_of(model: onnx.ModelProto) -> dict[str, Range]:
    names = inner_tensors(model)
    values = ReferenceEvaluator(telling(model, names)).run(names, {"x": IMAGES})
    return {name: (float(value.min()), float(value.max())) for name, value in zip(names, values, strict=True)}


def said(model: onnx.ModelProto) -> NDArray[np.float32]:
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": IMAGES})[0]


def operators(model: onnx.ModelProto, folder: Path) -> Counter[str]:
    """As onnxruntime runs it."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(model.SerializeToString(), options)
    return Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)


def test_what_only_a_relu_sees_is_not_rounded(residual: onnx.ModelProto) -> None:
    assert inner_tensors(residual) == ["given", "positive", "back", "left"]


def test_a_sum_of_what_no_convolution_made_is_not_rounded(residual: onnx.ModelProto) -> None:
    residual.graph.node.insert(0, helper.make_node("Add", ["pixels", "first_bias"], ["x"]))
    assert "x" not in inner_tensors(residual)


def test_a_rounded_network_says_nearly_the_same(residual: onnx.ModelProto) -> None:
    before, ranges = said(residual), ranges_of(residual)
    after = said(to_static_int8(residual, ranges))
    assert 0 < np.abs(after - before).max() < 0.02 * before.max()


def test_it_is_computed_in_whole_numbers_but_for_the_first_convolution(
    residual: onnx.ModelProto, tmp_path: Path
) -> None:
    run = operators(to_static_int8(residual, ranges_of(residual)), tmp_path)
    assert (run["QLinearConv"], run["Conv"], run["QLinearAdd"], run["Relu"]) == (2, 1, 1, 0)


def test_two_products_fit_into_sixteen_bits(residual: onnx.ModelProto) -> None:
    model = to_static_int8(residual, ranges_of(residual))
    kernels = [numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8]
    assert len(kernels) == 2
    assert all(2 * 255 * np.abs(kernel.astype(int)).max() <= INT16_MAX for kernel in kernels)


def test_zero_by_which_pictures_are_padded_is_a_step(residual: onnx.ModelProto) -> None:
    model = to_static_int8(residual, {"given": (0.5, 3.0), "positive": (-2.0, -1.0)})
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert (int(values["given/zero"]), int(values["positive/zero"])) == (0, 255)


def test_the_expression_network_trained_here_ships_in_whole_numbers() -> None:
    folder = settings.models_folder()
    spec = load_manifest(folder / MANIFEST_NAME).for_task("expression")
    nodes = onnx.load(folder / spec.file).graph.node
    made_by = {node.output[0]: node for node in nodes}
    ours = [node for node in nodes if node.op_type == "Conv" and node.output[0].startswith(f"{TRAINED_HERE}/")]
    exact = [node for node in ours if made_by[node.input[0]].op_type != "DequantizeLinear"]
    assert len(ours) > 10
    assert len(exact) == 1
