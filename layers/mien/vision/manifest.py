"""The model manifest: which networks there are, where they come from, and what goes in and out of them.

Preprocessing is declared here and never guessed from a graph. `models/manifest.json` is the one source; the
build tool, the model cards, NOTICE and the run time all read it through this module.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mien.domain.errors import ConfigurationError
from mien.domain.matching import MatchCalibration

MANIFEST_NAME = "manifest.json"

Task = Literal["detection", "landmarks", "expression", "age_gender", "head_pose", "liveness", "embedding"]


@dataclass(frozen=True, slots=True)
class Source:
    """A pinned package of a public registry, the hash of its archive, and the files read from it."""

    registry: Literal["pypi", "npm"]
    package: str
    version: str
    archive_sha256: str
    members: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Training:
    """Weights of Mien's own: the file in the repository, beside the manifest, and how it came to be; and, where the
    network computes in eight bits, the file of what its tensors' values lie between.
    """

    weights: str
    command: str
    starts_from: str
    data: tuple[str, ...]
    ranges: str | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms the weights may be used, and where that is stated."""

    spdx: str
    copyright: str
    statement: str
    commercial_use: bool


@dataclass(frozen=True, slots=True)
class Crop:
    """How a face is cut from the image: a region about the centre of the detector's box, `scale` times its size.

    `square`: both sides are the box's longer one. `level`: the same, turned until the eyes are level.
    `stretch`: the box's own sides, so that the chip's aspect differs from the face's.
    `arcface`: the five landmarks brought onto ArcFace's template as well as rotation, scale and shift can.
    Outside the image, its edge repeats. The region is moved `down` the face by this share of its height.
    """

    rule: Literal["square", "level", "stretch", "arcface"]
    scale: float
    down: float = 0.0


@dataclass(frozen=True, slots=True)
class Input:
    """The one input: float32 of shape (batch, 3, height, width), `(pixel - mean) / std` per channel.

    `None` in the shape is a size known only at run time.
    """

    name: str
    shape: tuple[int | None, int, int | None, int | None]
    channel_order: Literal["BGR", "RGB"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Output:
    """One output. `None` in the shape is a batch or map size known only at run time. `labels` are of its columns."""

    name: str
    shape: tuple[int | None, ...]
    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything that is known of one weight file. Its weights come from a package, our training, or both.

    `age_bands`: the years at which the bands of age that a network tells apart begin, and where the last one ends;
    `age_prior`: which share of people is taken to be in each, where the network itself takes all for as likely.
    """

    id: str
    tasks: tuple[Task, ...]
    title: str
    architecture: str
    file: str
    sha256: str
    bytes: int
    licence: Licence
    input: Input
    outputs: tuple[Output, ...]
    source: Source | None = None
    training: Training | None = None
    crop: Crop | None = None
    operating_points: dict[str, float] | None = None
    age_bands: tuple[float, ...] = ()
    age_prior: tuple[float, ...] = ()
    matching: MatchCalibration | None = None
    notes: tuple[str, ...] = ()

    def operating_point(self, name: str) -> float:
        """A measured constant of the model.

        Raises:
            ConfigurationError: the manifest does not give it.

        """
        try:
            return (self.operating_points or {})[name]
        except KeyError:
            raise ConfigurationError(f"The manifest gives no {name} for the model {self.id}.") from None


@dataclass(frozen=True, slots=True)
class Manifest:
    """All models; each task has one, and one model may have several tasks."""

    models: tuple[ModelSpec, ...]

    def for_task(self, task: Task) -> ModelSpec:
        """The model of a task.

        Raises:
            ConfigurationError: the manifest has none.

        """
        for spec in self.models:
            if task in spec.tasks:
                return spec
        raise ConfigurationError(f"The model manifest names no model for {task}.")


def load_manifest(path: Path) -> Manifest:
    """Parse and check a manifest file.

    Raises:
        ConfigurationError: it is missing, or a key is unknown, absent or of the wrong type.

    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError("The model manifest is missing. Run `make models`.") from None
    manifest: Manifest = _parse(Manifest, data, "manifest")
    return manifest


def _parse(kind: Any, value: Any, where: str) -> Any:
    """Build `kind` (a dataclass, tuple, dict, union, literal or scalar type) from JSON, refusing anything else."""
    if is_dataclass(kind):
        return _parse_dataclass(kind, value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        options = [option for option in arguments if option is not type(None)]
        return None if value is None else _parse(options[0], value, where)
    if origin is Literal:
        return _require(value in arguments, value, where)
    if origin is tuple and isinstance(value, list):
        inner = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        _require(len(inner) == len(value), value, where)
        return tuple(_parse(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(inner, value, strict=True)))
    if origin is dict and isinstance(value, dict):
        return {key: _parse(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    return _require(type(value) is kind, value, where)


def _parse_dataclass(kind: Any, value: Any, where: str) -> Any:
    _require(isinstance(value, dict), value, where)
    hints = _hints(kind)
    known = {field.name: field for field in fields(kind)}
    unknown = value.keys() - known.keys()
    missing = {name for name, field in known.items() if name not in value and field.default is MISSING}
    if unknown or missing:
        raise ConfigurationError(f"{where}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}.")
    return kind(**{name: _parse(hints[name], item, f"{where}.{name}") for name, item in value.items()})


@cache  # they are written as text, and read anew each time
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _require(holds: bool, value: Any, where: str) -> Any:
    if not holds:
        raise ConfigurationError(f"{where}: {value!r} is not allowed here.")
    return value
