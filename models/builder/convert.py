"""From a package's files to an ONNX graph with a free batch axis, one function for each kind of source."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnx.compose
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mien.domain.faces import Sentiment
from mien.vision.detector import STRIDES
from mien.vision.manifest import ModelSpec
from models.builder.eight_bits import to_eight_bits
from models.builder.halves import from_halves, to_halves
from models.builder.idle_channels import drop_idle_channels
from models.builder.rewrites import drop_unread, join_branches, name_copies, pad_channels, replace_prelu
from models.builder.static_int8 import read_ranges, to_static_int8

Files = Mapping[str, bytes]
Weights = dict[str, NDArray[np.float32]]

OPSET = 17
IR_VERSION = 8
BATCH = "batch"
GREY_OF_BGR = (0.114, 0.587, 0.299)  # ITU-R BT.601

TRAINED_HERE = "expression"
"""Before the names of what our part of the expression network is made of."""

FACEAPI_MEAN_RGB = (122.782, 117.001, 104.298)  # subtracted; then all is divided by 255
FACEAPI_LABELS = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")


def convert(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """The shipped graph of a model, from the files its source names: fast operators, weights in eight or 16 bits, and
    arithmetic in eight where the tensors' ranges are known.
    """
    graph = plain(spec, files)
    join_branches(graph)
    drop_idle_channels(graph)
    if spec.id not in _SMALL_AS_IT_IS:
        pad_channels(graph)
        replace_prelu(graph)
        if spec.training and spec.training.ranges:
            to_static_int8(graph, read_ranges(files[spec.training.ranges]))
        if spec.id not in _MOVED_BY_EIGHT_BITS:
            to_eight_bits(graph)
        to_halves(graph)
    onnx.checker.check_model(graph, full_check=True)
    return graph


def plain(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """The same network as its author wrote it, in single precision."""
    graph = _CONVERTERS[spec.id](spec, files)
    origin = f" From {spec.source.package} {spec.source.version}." if spec.source else ""
    graph.doc_string = f"{spec.title}. {spec.licence.spdx}.{origin}"
    return graph


def published(spec: ModelSpec, files: Files) -> bytes:
    """The first file that a model's package names."""
    assert spec.source is not None, spec.id
    return files[spec.source.members[0]]


def trained(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """A network that Mien trained, as training wrote it but for the precision of its weights."""
    assert spec.training is not None, spec.id
    model = from_halves(onnx.load_from_string(files[spec.training.weights]))
    name_copies(model)
    return model


def _yunet(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """The file fixes one image of 640×640; the network itself is fully convolutional. What it says of a cell, before
    any sigmoid, is put together, and the cells of all strides.
    """
    model = onnx.load_from_string(published(spec, files))
    _drop_stale_shapes(model)
    graph, (output,) = model.graph, spec.outputs
    batch, _, height, width = graph.input[0].type.tensor_type.shape.dim
    batch.dim_param, height.dim_param, width.dim_param = BATCH, "height", "width"
    made_by = {node.output[0]: node for node in graph.node}
    maps = [_convolution_behind(result.name, made_by) for result in graph.output]  # by kind, then by stride
    shape = [0 if size is None else size for size in output.shape[:2]]  # Reshape reads 0 as "as the input has it"
    graph.initializer.append(numpy_helper.from_array(np.array([*shape, -1]), "by_cell"))
    for i, stride in enumerate(STRIDES):
        kinds, cells = f"kinds_{stride}", f"cells_{stride}"
        graph.node.append(helper.make_node("Concat", maps[i :: len(STRIDES)], [kinds], axis=1))
        graph.node.append(helper.make_node("Reshape", [kinds, "by_cell"], [cells]))
    graph.node.append(helper.make_node("Concat", [f"cells_{stride}" for stride in STRIDES], [output.name], axis=2))
    del graph.output[:]
    sizes = [BATCH, *output.shape[1:-1], "cells"]
    graph.output.append(helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, sizes))
    drop_unread(model)
    return model


def _convolution_behind(tensor: str, made_by: Mapping[str, onnx.NodeProto]) -> str:
    """The tensor that a convolution gave, of which other operators made this one."""
    while made_by[tensor].op_type != "Conv":
        tensor = made_by[tensor].input[0]
    return tensor


def _free_batch(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """A finished graph whose batch is fixed at one: free it, in the inputs, outputs and constant reshapes."""
    model = onnx.load_from_string(published(spec, files))
    _drop_stale_shapes(model)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    for shape in _reshape_targets(model):
        sizes = numpy_helper.to_array(shape).copy()
        sizes[0] = 0  # Reshape reads 0 as "as the input has it"
        shape.CopyFrom(numpy_helper.from_array(sizes, shape.name))
    return model


def _faceplugin_landmarks(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """The network takes grey, 0-1 in steps of 1/256: let its first convolution make that of BGR, 0-255."""
    model = _free_batch(spec, files)
    first = next(node.input[1] for node in model.graph.node if node.op_type == "Conv")
    (kernel,) = (tensor for tensor in model.graph.initializer if tensor.name == first)
    grey = np.array(GREY_OF_BGR, dtype=np.float32).reshape(1, 3, 1, 1) / 256
    kernel.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(kernel) * grey, first))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3
    return model


def _reshape_targets(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The constant shapes that reshapes go to."""
    constants = {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    constants |= {tensor.name: tensor for tensor in model.graph.initializer}
    wanted = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    return [constants[name] for name in sorted(wanted & constants.keys())]


def _drop_stale_shapes(model: onnx.ModelProto) -> None:
    """Inner shapes, and weights listed among the inputs, were written for the fixed size."""
    del model.graph.value_info[:]
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)


def read_tfjs_weights(manifest: Any, binary: bytes) -> Weights:
    """Unpack TensorFlow.js's weights: a list of groups of entries over one binary, those in uint8 with scale and min,
    others in half precision.
    """
    weights: Weights = {}
    position = 0
    for group in manifest:
        for entry in group["weights"]:
            count = int(np.prod(entry["shape"]))
            packing = entry.get("quantization", entry)
            dtype = np.dtype(packing["dtype"])
            values = np.frombuffer(binary, dtype, count, position).astype(np.float32)
            position += count * dtype.itemsize
            if "scale" in packing:
                values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
            weights[entry["name"]] = values.reshape(entry["shape"])
    if position != len(binary):
        raise ValueError("The weight file does not end where its manifest says.")
    return weights


def _faceapi_weights(spec: ModelSpec, files: Files) -> Weights:
    """face-api's, but for a first convolution that takes BGR, 0-255, less its means, and sentiments in our order."""
    assert spec.source is not None, spec.id
    manifest, binary = spec.source.members
    weights = read_tfjs_weights(json.loads(files[manifest]), files[binary])
    of_rgb = weights["dense0/conv0/filters"]  # (height, width, in, out)
    order = [FACEAPI_LABELS.index(label) for label in Sentiment]
    return weights | {
        "dense0/conv0/filters": of_rgb[:, :, ::-1] / np.float32(255),
        "fc/weights": weights["fc/weights"][:, order],
        "fc/bias": weights["fc/bias"][order],
    }


def _expression(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """The network trained here, and beside it face-api's."""
    graph = _Graph(_faceapi_weights(spec, files))
    (ours,) = graph.include(trained(spec, files), TRAINED_HERE, spec.input.name)
    theirs = _faceapi_expression(graph, spec.input.name)
    for tensor, output in zip((ours, theirs), spec.outputs, strict=True):
        graph.rename(tensor, output.name)
    return graph.model(spec)


def faceapi_expression(spec: ModelSpec, files: Files) -> onnx.ModelProto:
    """face-api's part of the expression network alone."""
    graph, output = _Graph(_faceapi_weights(spec, files)), spec.outputs[-1]
    graph.rename(_faceapi_expression(graph, spec.input.name), output.name)
    return graph.model(replace(spec, outputs=(output,)))


def _faceapi_expression(graph: _Graph, x: str) -> str:
    """Four dense blocks of four convolutions, each block adding up what its convolutions gave, then a pool."""
    x = graph.minus(x, FACEAPI_MEAN_RGB[::-1])
    for index in range(4):
        block = f"dense{index}"
        first = graph.conv if index == 0 else graph.separable
        sums = first(x, f"{block}/conv0", stride=2)
        x = graph.relu(sums)
        for conv in ("conv1", "conv2", "conv3"):
            sums = graph.add(sums if conv != "conv1" else x, graph.separable(x, f"{block}/{conv}"))
            x = graph.relu(sums)
    return graph.dense(graph.pool(x), "fc")


class _Graph:
    """Writes the few layers that face-api's networks are made of; each method returns the new tensor's name."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def include(self, model: onnx.ModelProto, name: str, x: str) -> list[str]:
        """A whole network of one input; its outputs."""
        (given,) = model.graph.input
        inner = onnx.compose.add_prefix(model, f"{name}/", rename_inputs=False).graph
        for node in inner.node:
            node.input[:] = [x if name == given.name else name for name in node.input]
        self._nodes.extend(inner.node)
        self._tensors.extend(inner.initializer)
        return [f"{name}/{output.name}" for output in model.graph.output]

    def minus(self, x: str, means: Sequence[float]) -> str:
        """Each channel less a number."""
        values = np.array(means, dtype=np.float32).reshape(-1, 1, 1)
        return self._node("Sub", [x, self._constant(f"{x}/means", values)], f"{x}/centred")

    def conv(self, x: str, name: str, stride: int = 1) -> str:
        """A full convolution; stored as (height, width, in, out)."""
        kernel = self._weights[f"{name}/filters"].transpose(3, 2, 0, 1)
        return self._conv(x, name, kernel, self._weights[f"{name}/bias"], stride, groups=1)

    def separable(self, x: str, name: str, stride: int = 1) -> str:
        """Depthwise, stored as (height, width, channels, 1), then pointwise with the bias."""
        depthwise = self._weights[f"{name}/depthwise_filter"].transpose(2, 3, 0, 1)
        pointwise = self._weights[f"{name}/pointwise_filter"].transpose(3, 2, 0, 1)
        y = self._conv(x, f"{name}/depthwise", depthwise, None, stride, groups=depthwise.shape[0])
        return self._conv(y, f"{name}/pointwise", pointwise, self._weights[f"{name}/bias"], 1, groups=1)

    def _conv(
        self, x: str, name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32] | None, stride: int, groups: int
    ) -> str:
        inputs = [x, self._constant(f"{name}/kernel", kernel)]
        if bias is not None:
            inputs.append(self._constant(f"{name}/bias", bias))
        # TensorFlow's "same" padding: on even sizes with stride 2 the extra row and column go last.
        return self._node("Conv", inputs, name, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER")

    def relu(self, x: str) -> str:
        return self._node("Relu", [x], f"{x}/relu")

    def add(self, a: str, b: str) -> str:
        return self._node("Add", [a, b], f"{b}/sum")

    def pool(self, x: str) -> str:
        """The mean of each channel, as (batch, channels)."""
        return self._node("Flatten", [self._node("GlobalAveragePool", [x], f"{x}/mean")], f"{x}/features")

    def dense(self, x: str, name: str) -> str:
        inputs = [
            x,
            *(self._constant(f"{name}/{part}", self._weights[f"{name}/{part}"]) for part in ("weights", "bias")),
        ]
        return self._node("Gemm", inputs, name)

    def rename(self, tensor: str, name: str) -> None:
        for node in self._nodes:
            if node.output[0] == tensor:
                node.output[0] = name

    def model(self, spec: ModelSpec) -> onnx.ModelProto:
        floats = onnx.TensorProto.FLOAT
        inputs = [helper.make_tensor_value_info(spec.input.name, floats, [BATCH, *spec.input.shape[1:]])]
        outputs = [
            helper.make_tensor_value_info(output.name, floats, [BATCH, *output.shape[1:]]) for output in spec.outputs
        ]
        graph = helper.make_graph(self._nodes, spec.id, inputs, outputs, self._tensors)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mien")

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output


_CONVERTERS: dict[str, Callable[[ModelSpec, Files], onnx.ModelProto]] = {
    "yunet-2023mar": _yunet,
    "mien-expression": _expression,
    "mien-looks": trained,
    "faceplugin-landmarks": _faceplugin_landmarks,
    "faceplugin-liveness": _free_batch,
    "faceplugin-embedding": _free_batch,
}

_SMALL_AS_IT_IS = {"yunet-2023mar"}
_MOVED_BY_EIGHT_BITS = {"faceplugin-liveness"}
