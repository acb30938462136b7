"""Embeddings as they are kept: one signed byte a value, and a scale. A quarter of the size of float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.domain.geometry import FloatArray
from mien.domain.matching import Embedding

_STEPS = 127


def template_type(dimensions: int) -> np.dtype[np.void]:
    """The record of one template: `value ≈ scale · byte`; 516 bytes for 512 values."""
    return np.dtype([("scale", "<f4"), ("values", "i1", (dimensions,))])


def pack(embeddings: Sequence[Embedding]) -> bytes:
    """The templates of embeddings of one length, one after another."""
    vectors = np.stack([embedding.vector for embedding in embeddings])
    scales = np.abs(vectors).max(axis=1, keepdims=True) / _STEPS
    records = np.empty(len(vectors), template_type(vectors.shape[1]))
    records["scale"] = scales[:, 0]
    records["values"] = np.rint(vectors / scales)
    return records.tobytes()


def unpack(templates: bytes, dimensions: int) -> NDArray[np.void]:
    """Records of `template_type`, without copying."""
    return np.frombuffer(templates, template_type(dimensions))


def vectors(templates: bytes, dimensions: int) -> FloatArray:
    """(n, dimensions) float32, each row of length one but for rounding."""
    records = unpack(templates, dimensions)
    return records["values"] * records["scale"][:, None]
