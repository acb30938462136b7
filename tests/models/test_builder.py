"""The model build: what it accepts, what it refuses, and that it leaves nothing half done."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mien import settings
from mien.vision.engine import Engine
from mien.vision.manifest import MANIFEST_NAME, Manifest, ModelSpec, Source, load_manifest
from models.builder import __main__ as builder
from models.builder import documents, fetch
from models.builder.convert import convert, read_tfjs_weights
from models.builder.eight_bits import to_eight_bits
from models.builder.errors import BuildError, DownloadFailed, TamperedDownload, WrongGraph
from models.builder.halves import from_halves, to_halves
from models.builder.verify import TOLERANCE, Witness, verify, witnesses

CONTENT = b"the weights"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME)


def wheel(content: bytes = CONTENT) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("package/weights.bin", content)
    return buffer.getvalue()


def tarball(content: bytes = CONTENT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/weights.bin")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def source(archive: bytes, registry: Any = "pypi") -> Source:
    digest = hashlib.sha256(archive).hexdigest()
    return Source(registry, "some-package", "1.0", digest, ("package/weights.bin",), "nowhere")


def registry_with(archive: bytes | None, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A registry's client that brings this archive, or fails half way."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        option = "--dest" if "--dest" in command else "--pack-destination"
        folder = Path(command[command.index(option) + 1])
        if archive is None:
            (folder / "partial").write_bytes(b"half of it")
            return subprocess.CompletedProcess(command, 1, "", "connection reset by peer")
        (folder / "archive").write_bytes(archive)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


@pytest.mark.parametrize(("registry", "client"), [("pypi", "pip"), ("npm", "npm")])
def test_a_package_comes_through_its_registrys_own_client(
    registry: str, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = registry_with(wheel(), monkeypatch)
    assert fetch.fetch(source(wheel(), registry), tmp_path) == wheel()
    assert any(client in word for word in asked[0])
    assert any("some-package" in word and "1.0" in word for word in asked[0])


def test_a_fetched_archive_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = registry_with(wheel(), monkeypatch)
    for _ in range(2):
        fetch.fetch(source(wheel()), tmp_path)
    assert len(asked) == 1


def test_a_tampered_archive_is_refused_unopened_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_with(wheel(b"evil weights"), monkeypatch)
    with pytest.raises(TamperedDownload, match="not opened"):
        fetch.fetch(source(wheel()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry_with(None, monkeypatch)
    with pytest.raises(DownloadFailed, match=r"connection reset by peer.*try again"):
        fetch.fetch(source(wheel()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_spoilt_in_the_cache_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = registry_with(wheel(), monkeypatch)
    fetch.fetch(source(wheel()), tmp_path)
    (tmp_path / source(wheel()).archive_sha256).write_bytes(b"spoilt")
    assert fetch.fetch(source(wheel()), tmp_path) == wheel()
    assert len(asked) == 2


@pytest.mark.parametrize("archive", [wheel(), tarball()], ids=["zip", "tar.gz"])
def test_only_named_files_are_read_from_an_archive(archive: bytes) -> None:
    assert fetch.read_members(archive, ["package/weights.bin"]) == {"package/weights.bin": CONTENT}
    with pytest.raises(TamperedDownload, match="elsewhere"):
        fetch.read_members(archive, ["package/elsewhere.bin"])


def test_a_failed_build_leaves_what_was_there(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in builder.BUILT.iterdir()}
    wrong = dataclasses.replace(manifest.models[-1], sha256="0" * 64)
    with pytest.raises(WrongGraph, match="did not convert"):
        builder.build(dataclasses.replace(manifest, models=(*manifest.models[:-1], wrong)), update=False)
    assert {file.name: file.stat().st_mtime_ns for file in builder.BUILT.iterdir()} == before
    assert list(builder.ROOT.glob(".building-*")) == []


def test_a_changed_model_file_is_noticed(manifest: Manifest, tmp_path: Path) -> None:
    for file in builder.BUILT.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert builder.is_built(manifest, tmp_path)
    victim = tmp_path / manifest.models[0].file
    victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    assert not builder.is_built(manifest, tmp_path)


@pytest.fixture(scope="module")
def files(manifest: Manifest) -> dict[str, dict[str, bytes]]:
    """What each model is made of, from the archives that the build has fetched."""
    return {spec.id: dict(builder.read_files(spec)) for spec in manifest.models}


@pytest.fixture(scope="module")
def seen(manifest: Manifest, analyse: Any) -> list[Witness]:
    return witnesses(builder.PHOTOS, analyse.detector)


def networks(manifest: Manifest) -> list[ModelSpec]:
    return [spec for spec in manifest.models if "detection" not in spec.tasks]


def test_every_converted_network_agrees_with_its_reference(
    manifest: Manifest, files: dict[str, dict[str, bytes]], seen: list[Witness]
) -> None:
    for spec in networks(manifest):
        assert verify(Engine(spec, builder.BUILT), files[spec.id], seen) <= TOLERANCE


def test_a_network_with_a_wrong_weight_is_caught(
    manifest: Manifest, files: dict[str, dict[str, bytes]], seen: list[Witness], tmp_path: Path
) -> None:
    for spec in networks(manifest):
        graph = convert(spec, files[spec.id])
        kernel = max(graph.graph.initializer, key=lambda tensor: len(tensor.raw_data))
        values = onnx.numpy_helper.to_array(kernel).copy()
        values[: len(values) // 2] = values[: len(values) // 2] / 2
        kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
        content = graph.SerializeToString()
        (tmp_path / spec.file).write_bytes(content)
        with pytest.raises(WrongGraph, match="differs from its reference"):
            verify(Engine(dataclasses.replace(spec, bytes=len(content)), tmp_path), files[spec.id], seen)


def test_tensorflow_weights_that_do_not_fill_their_file_are_refused() -> None:
    listing = [{"weights": [{"name": "w", "shape": [2], "dtype": "float32"}]}]
    assert read_tfjs_weights(listing, np.array([1, 2], "<f4").tobytes())["w"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="does not end"):
        read_tfjs_weights(listing, bytes(12))


def test_tensorflow_weights_are_read_in_the_precision_they_are_stored_in() -> None:
    steps = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    listing = [
        {
            "weights": [
                {"name": "steps", "shape": [1, 2], "dtype": "float32", "quantization": steps},
                {"name": "halves", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}},
            ]
        }
    ]
    weights = read_tfjs_weights(listing, bytes([0, 4]) + np.array([1.5, -2], "<f2").tobytes())
    assert weights["steps"].tolist() == [[-1, 1]]
    assert weights["halves"].tolist() == [1.5, -2]


def test_weights_in_eight_bits_are_as_near_as_their_channels_steps_and_take_a_quarter_of_the_bytes() -> None:
    rng = np.random.default_rng(0)
    weights = (rng.normal(size=(40, 60, 3, 3)) * np.geomspace(1e-6, 10, 40)[:, None, None, None]).astype(np.float32)
    weights[7] = 0
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 60, 8, 8])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 40, 6, 6])
    layer = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([layer], "layer", [x], [y], [onnx.numpy_helper.from_array(weights, "w")])
    whole = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    seen = rng.normal(size=(1, 60, 8, 8)).astype(np.float32)
    expected = ReferenceEvaluator(whole).run(None, {"x": seen})[0]
    size = whole.ByteSize()
    small = to_eight_bits(whole)
    onnx.checker.check_model(small, full_check=True)
    assert small.ByteSize() < 0.27 * size
    (said,) = ReferenceEvaluator(small).run(None, {"x": seen})
    apart, spread = np.abs(said - expected).max(axis=(0, 2, 3)), expected.std(axis=(0, 2, 3))
    assert (apart <= 0.05 * spread).all()


def test_weights_in_half_precision_are_as_near_as_that_and_take_half_the_bytes() -> None:
    weights = np.linspace(-1, 1, 30_000, dtype=np.float32).reshape(300, 100)
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 300])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 100])
    product = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([product], "product", [x], [y], [onnx.numpy_helper.from_array(weights, "w")])
    whole = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    size = whole.ByteSize()
    halved = to_halves(whole)
    onnx.checker.check_model(halved, full_check=True)
    assert halved.ByteSize() < 0.51 * size
    (tensor,) = from_halves(halved).graph.initializer
    assert tensor.name == "w"
    assert onnx.numpy_helper.to_array(tensor) == pytest.approx(weights, abs=2.0**-11)
    assert [node.op_type for node in halved.graph.node] == ["MatMul"]


def test_tiny_weights_stay_in_single_precision() -> None:
    weights = np.linspace(-1e-3, 1e-3, 30_000, dtype=np.float32).reshape(300, 100)
    graph = onnx.helper.make_graph([], "tiny", [], [], [onnx.numpy_helper.from_array(weights, "w")])
    (tensor,) = to_halves(onnx.helper.make_model(graph)).graph.initializer
    assert np.array_equal(onnx.numpy_helper.to_array(tensor), weights)


def test_the_cards_and_notice_are_as_the_manifest_says() -> None:
    for path, text in documents.documents().items():
        assert path.read_text(encoding="utf-8") == text, "run `make documents`"


def test_every_model_has_a_card_and_no_card_is_left_over(manifest: Manifest) -> None:
    assert {file.stem for file in documents.CARDS.iterdir()} == {spec.id for spec in manifest.models}


def test_a_build_error_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BuildError("Because of this.")

    monkeypatch.setattr(builder, "build", fail)
    monkeypatch.setattr("sys.argv", ["models.builder", "--force"])
    assert builder.main() == 1
    assert capsys.readouterr().err == "The models were not built. Because of this.\n"
