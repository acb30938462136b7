"""The answer of GET /models, made from the manifest and the measurements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mien.http.about import FigureBody, InputBody, LicenceBody, ModelBody, ModelsBody
from mien.vision.manifest import Manifest, ModelSpec

_DIGITS = 4


def catalogue(manifest: Manifest, figures: list[dict[str, Any]]) -> str:
    """The file that the API answers with."""
    body = ModelsBody(status="success", models=[_model(spec, figures) for spec in manifest.models])
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _model(spec: ModelSpec, figures: list[dict[str, Any]]) -> ModelBody:
    licence = spec.licence
    return ModelBody(
        id=spec.id,
        tasks=list(spec.tasks),
        title=spec.title,
        sha256=spec.sha256,
        bytes=spec.bytes,
        source="; ".join(_sources(spec)),
        licence=LicenceBody(spdx=licence.spdx, copyright=licence.copyright, commercial_use=licence.commercial_use),
        input=InputBody(shape=list(spec.input.shape), channel_order=spec.input.channel_order),
        accuracy=[_figure(figure) for figure in figures if figure["task"] in spec.tasks],
    )


def _sources(spec: ModelSpec) -> Iterator[str]:
    """Where its weights come from."""
    if spec.training is not None:
        yield f"Mien, {spec.training.command}"
    if spec.source is not None:
        yield f"{spec.source.registry} {spec.source.package} {spec.source.version}"


def _figure(figure: dict[str, Any]) -> FigureBody:
    return FigureBody(
        measure=figure["measure"],
        data=figure["data"],
        value=round(figure["value"], _DIGITS),
        low=round(figure["low"], _DIGITS),
        high=round(figure["high"], _DIGITS),
        count=figure["count"],
    )
