"""The same network without the channels that do nothing: training with weight decay leaves many.

A channel is idle where it is the same all over every picture. What it adds goes into the biases of those that read it;
then nobody reads it, and it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.builder.rewrites import BLOCK, attributes_of, drop_unread, replace_nodes

_NEGLIGIBLE = 1e-5  # of weights, of which most are near one

Values = NDArray[np.float32]
Which = NDArray[np.bool_]


@dataclass
class _Layer:
    """A convolution, whose values are its kernel (out, in, height, width) and bias, a PReLU with its slopes, or a ReLU
    with none. A convolution mixes channels, or sees each alone.
    """

    node: onnx.NodeProto
    values: list[Values]
    mixes: bool

    @property
    def x(self) -> str:
        return str(self.node.input[0])

    @property
    def y(self) -> str:
        return str(self.node.output[0])

    def written(self, model: onnx.ModelProto) -> onnx.NodeProto:
        """As a node, with values of its own in the model."""
        values = [*self.values[:1], *(bias for bias in self.values[1:] if bias.any())]
        names = [f"{self.y}/values/{place}" for place in range(len(values))]
        model.graph.initializer.extend(map(numpy_helper.from_array, values, names))
        groups = {"group": len(self.values[0])} if self.node.op_type == "Conv" and not self.mixes else {}
        return helper.make_node(self.node.op_type, [self.x, *names], [self.y], **(attributes_of(self.node) | groups))


def drop_idle_channels(model: onnx.ModelProto) -> None:
    """Drop channels between convolutions."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    layers = {node.output[0]: layer for node in model.graph.node if (layer := _layer_of(node, tensors))}
    _move_into_biases(layers.values())
    _cut(layers.values(), _read(model, layers))
    nodes = [layers[y].written(model) if (y := node.output[0]) in layers else node for node in model.graph.node]
    replace_nodes(model, nodes)
    drop_unread(model)


def _layer_of(node: onnx.NodeProto, tensors: Mapping[str, Values]) -> _Layer | None:
    """Nothing of other operators, of weights that the graph computes, nor of groups of several channels."""
    if any(name not in tensors for name in node.input[1:]):
        return None
    values = [tensors[name].copy() for name in node.input[1:]]
    if node.op_type in ("Relu", "PRelu"):
        return _Layer(node, values, mixes=False)
    if node.op_type != "Conv":
        return None
    kernel, bias = values if len(values) == 2 else (values[0], np.zeros(len(values[0]), np.float32))
    groups = attributes_of(node).get("group", 1)
    if groups not in (1, len(kernel)) or (groups > 1 and kernel.shape[1] > 1):
        return None
    return _Layer(node, [kernel, bias], mixes=groups == 1)


def _move_into_biases(layers: Iterable[_Layer]) -> None:
    """Let convolutions of one pixel read no idle channel, and add to their biases what they read of it."""
    constants: dict[str, Values] = {}  # of each channel what it is everywhere, or not a number
    for layer in layers:
        given = constants.get(layer.x)
        if layer.node.op_type != "Conv":
            if given is not None:
                slopes = layer.values[0].reshape(-1) if layer.values else np.float32(0)
                constants[layer.y] = np.where(given < 0, slopes * given, given)
            continue
        kernel, bias = layer.values
        if given is not None:
            idle = ~np.isnan(given)
            if layer.mixes and kernel.shape[2:] == (1, 1) and not any(attributes_of(layer.node).get("pads", ())):
                bias += kernel[:, idle, 0, 0] @ given[idle]
                kernel[:, idle] = 0
            elif not layer.mixes:  # at the border it would see what is added around, which is zero
                kernel[idle & (np.abs(given) < _NEGLIGIBLE)] = 0
        idle = np.abs(kernel).max(axis=(1, 2, 3)) < _NEGLIGIBLE
        kernel[idle] = 0
        constants[layer.y] = np.where(idle, bias, np.float32(np.nan))


def _read(model: onnx.ModelProto, layers: Mapping[str, _Layer]) -> dict[str, Which]:
    """Which channels somebody reads, of tensors of which some can go. Layers that do not mix keep the channels of the
    convolution that they come after.
    """
    origins: dict[str, str] = {}
    for layer in layers.values():
        origin = layer.y if layer.mixes else origins.get(layer.x)
        if origin is not None:
            origins[layer.y] = origin
    read = {origin: np.zeros(len(layers[origin].values[0]), np.bool_) for origin in origins.values()}
    for node in model.graph.node:
        reader = layers.get(node.output[0])
        for name in origins.keys() & set(node.input):
            if reader is None:
                read[origins[name]][:] = True
            elif reader.mixes:
                read[origins[name]] |= reader.values[0].any(axis=(0, 2, 3))
    for name in origins.keys() & {output.name for output in model.graph.output}:
        read[origins[name]][:] = True
    for which in read.values():
        which[np.flatnonzero(~which)[: -which.sum() % BLOCK]] = True  # nothing is gained by less than a block
    return {name: read[origin] for name, origin in origins.items() if read[origin].any()}


def _cut(layers: Iterable[_Layer], read: Mapping[str, Which]) -> None:
    """Leave out the other channels."""
    for layer in layers:
        if layer.mixes and layer.x in read:
            layer.values[0] = layer.values[0][:, read[layer.x]]
        if layer.y in read:
            layer.values = [values[read[layer.y]] for values in layer.values]
