"""What Mien says of itself: that it answers, its networks, its OpenAPI document. The latter two are files beside this
module, made by `make documents` and held against their sources by tests.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, TypedDict

from mien import __version__
from mien.http.wire import compact_json

CATALOGUE_NAME = "models.json"
DOCUMENT_NAME = "openapi.json"


class HealthBody(TypedDict):
    """That the API answers, and which version of Mien does."""

    status: Literal["success"]
    version: str


class LicenceBody(TypedDict):
    """Under which terms a network's weights may be used."""

    spdx: str
    copyright: str
    commercial_use: bool


class InputBody(TypedDict):
    """What a network looks at: float32 of this shape, batch, channels, height, width; null is any size."""

    shape: list[int | None]
    channel_order: Literal["BGR", "RGB"]


class FigureBody(TypedDict):
    """One measured number with its 95 % interval, on how many samples."""

    measure: str
    data: str
    value: float
    low: float
    high: float
    count: int


class ModelBody(TypedDict):
    """One network: which file it is, where it comes from, and how right it was found to be through the whole API."""

    id: str
    tasks: list[str]
    title: str
    sha256: Annotated[str, {"pattern": "^[0-9a-f]{64}$"}]
    bytes: int
    source: str
    licence: LicenceBody
    input: InputBody
    accuracy: list[FigureBody]


class ModelsBody(TypedDict):
    """Every network in use."""

    status: Literal["success"]
    models: list[ModelBody]


def health() -> HealthBody:
    """The answer of /health."""
    return HealthBody(status="success", version=__version__)


@cache
def model_catalogue() -> ModelsBody:
    """The answer of /models."""
    catalogue: ModelsBody = json.loads(_read(CATALOGUE_NAME))
    return catalogue


@cache
def openapi_document() -> str:
    """The answer of /openapi.json, without the spaces that are for people."""
    return compact_json(json.loads(_read(DOCUMENT_NAME)))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
