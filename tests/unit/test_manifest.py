from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien import settings
from mien.domain.errors import ConfigurationError
from mien.vision.engine import Engine
from mien.vision.manifest import MANIFEST_NAME, Manifest, load_manifest

SOURCE = settings.CHECKOUT / "models" / MANIFEST_NAME


@pytest.fixture
def manifest() -> Manifest:
    return load_manifest(SOURCE)


def changed(tmp_path: Path, change: Any) -> Path:
    data = copy.deepcopy(json.loads(SOURCE.read_text(encoding="utf-8")))
    change(data["models"][0])
    path = tmp_path / MANIFEST_NAME
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.update(threshold=0.5),
        lambda model: model.pop("sha256"),
        lambda model: model.update(bytes="many"),
        lambda model: model.update(tasks=["mind_reading"]),
        lambda model: model["input"].update(mean=[0, 0]),
        lambda model: model["licence"].update(commercial_use="yes"),
        lambda model: model["source"].update(registry="somewhere"),
    ],
)
def test_an_unknown_missing_or_wrong_key_is_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(ConfigurationError, match="models"):
        load_manifest(changed(tmp_path, change))


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make models"):
        load_manifest(tmp_path / MANIFEST_NAME)


def test_every_model_may_be_used_commercially(manifest: Manifest) -> None:
    assert all(model.licence.commercial_use for model in manifest.models)


def test_the_engine_refuses_a_graph_that_differs_from_the_manifest(manifest: Manifest) -> None:
    spec = manifest.for_task("expression")
    wrong_input = replace(spec, input=replace(spec.input, shape=(None, 3, 96, 96)))
    wrong_output = replace(spec, outputs=(replace(spec.outputs[0], shape=(None, 8)),))
    for wrong in (wrong_input, wrong_output):
        with pytest.raises(ConfigurationError, match="not what the manifest declares"):
            Engine(wrong, settings.models_folder())


def test_the_engine_refuses_a_file_of_another_size(manifest: Manifest) -> None:
    spec = manifest.for_task("expression")
    with pytest.raises(ConfigurationError, match="make models"):
        Engine(replace(spec, bytes=spec.bytes + 1), settings.models_folder())


def test_the_engine_refuses_a_missing_file(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make models"):
        Engine(manifest.for_task("expression"), tmp_path)
