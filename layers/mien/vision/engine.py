"""The only place that knows onnxruntime: one loaded network, compared with what the manifest says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from mien.domain.errors import ConfigurationError
from mien.domain.geometry import FloatArray
from mien.vision.manifest import MANIFEST_NAME, Input, Manifest, ModelSpec, Task, load_manifest

_ERRORS_ONLY = 3
_DEFAULT = -1
_ARENA_BYTES = 256 << 20  # more than any run takes, so that it stays in one piece; what no run touches is not resident


class Engine:
    """One network on the CPU. Immutable after construction, and safe to run from several threads."""

    def __init__(self, spec: ModelSpec, directory: Path, threads: int = 1) -> None:
        """Load `spec.file` from `directory`.

        Raises:
            ConfigurationError: the file is missing or not the size the manifest states, or the graph's input or
                outputs differ from it.

        """
        self.spec = spec
        path = directory / spec.file
        if not path.is_file() or path.stat().st_size != spec.bytes:
            raise ConfigurationError(f"The model {spec.id} is missing or not as built. Run `make models`.")
        self._session = ort.InferenceSession(
            str(path), sess_options=_session_options(threads), providers=["CPUExecutionProvider"]
        )
        self._output_names = [output.name for output in spec.outputs]
        self._compare_with_manifest()

    def run(self, tensor: FloatArray) -> tuple[FloatArray, ...]:
        """Run on a (n, 3, height, width) tensor; the outputs come in the manifest's order."""
        return tuple(self._session.run(self._output_names, {self.spec.input.name: tensor}))

    def _compare_with_manifest(self) -> None:
        declared = self.spec.input
        actual = {node.name: _sizes(node.shape) for node in self._session.get_inputs()}
        expected = {declared.name: declared.shape}
        outputs = {node.name: _sizes(node.shape) for node in self._session.get_outputs()}
        wanted = {output.name: output.shape for output in self.spec.outputs}
        if actual != expected or outputs != wanted:
            raise ConfigurationError(
                f"The model {self.spec.id} is not what the manifest declares: "
                f"it has {actual} -> {outputs}, declared is {expected} -> {wanted}."
            )


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder of built models, its manifest read once."""

    path: Path
    manifest: Manifest
    threads: int

    @classmethod
    def open(cls, path: Path, threads: int = 1) -> ModelFolder:
        """Read the manifest. Raises ConfigurationError."""
        return cls(path, load_manifest(path / MANIFEST_NAME), threads)

    def engine(self, task: Task) -> Engine:
        """Load the network of a task. Raises ConfigurationError."""
        return Engine(self.manifest.for_task(task), self.path, self.threads)


def to_tensor(images: NDArray[np.uint8], declared: Input) -> FloatArray:
    """(n, height, width, 3) uint8 BGR to the (n, 3, height, width) float32 that the network takes."""
    if declared.channel_order == "RGB":
        images = images[..., ::-1]
    tensor = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    if any(declared.mean):
        tensor -= np.array(declared.mean, dtype=np.float32)[:, None, None]
    if declared.std != (1.0, 1.0, 1.0):
        tensor /= np.array(declared.std, dtype=np.float32)[:, None, None]
    return tensor


def softmax(logits: FloatArray) -> FloatArray:
    """Along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


@cache
def _one_arena() -> None:
    """Let all networks of the process take their memory from one arena: they run one after another, and in an arena of
    its own each would keep for ever what its largest run took.
    """
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    sizes = {"max_mem": 0, "initial_chunk_size_bytes": _ARENA_BYTES, "max_dead_bytes_per_chunk": _DEFAULT}
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(sizes | {"arena_extend_strategy": _DEFAULT}))


def _session_options(threads: int) -> ort.SessionOptions:
    _one_arena()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Batches and detector inputs vary in size; memory planned per shape would grow with every new one.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def _sizes(shape: list[int | str | None]) -> tuple[int | None, ...]:
    """Symbolic dimensions as None."""
    return tuple(size if isinstance(size, int) else None for size in shape)
