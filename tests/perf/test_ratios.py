"""Speed as ratios within one run, so that a busy or slow machine fails nothing. `make bench` has the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.interleaved import ANALYTICS_START, BARE_START, interleaved, ratios, start
from mien import settings
from mien.cli.sample_photos import group, jpeg, one_face
from mien.domain.face_filter import FaceFilter
from mien.usecases.analyse_image import ANALYSIS, AnalyseImage
from mien.vision.decode import decode, decode_photo
from mien.vision.engine import Engine
from mien.vision.manifest import MANIFEST_NAME, load_manifest
from models.builder.__main__ import read_files
from models.builder.convert import plain

CPU = Path("/proc/cpuinfo")
SUMS_OF_BYTES = CPU.is_file() and "vnni" in CPU.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _one_thread() -> object:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


def assert_within(bounds: Mapping[str, float], measure: Callable[[], Mapping[str, float]]) -> None:
    """Something else may have held the machine up for the length of a measurement: the better of two counts."""
    measured = measure()
    if any(measured[name] > bound for name, bound in bounds.items()):
        again = measure()
        measured = {name: min(value, again[name]) for name, value in measured.items()}
    assert {name: measured[name] for name in bounds if measured[name] > bounds[name]} == {}


def test_an_analysis_takes_no_more_times_a_fine_look_than_it_did(analyse: AnalyseImage) -> None:
    image = one_face(640, 480)
    photos = {
        "one face": jpeg(image),
        "six faces in full HD": jpeg(group(6, 1920, 1080)),
        "one face in 12 megapixels": jpeg(one_face(4032, 3024)),
    }
    actions = {"a fine look": lambda: analyse.detector.detect(image, may_glance=False)}
    actions |= {name: lambda data=data: analyse(data, FaceFilter()) for name, data in photos.items()}
    bounds = {"one face": 2.5, "six faces in full HD": 13, "one face in 12 megapixels": 8}
    assert_within(bounds, lambda: ratios(interleaved(actions, 7), "a fine look"))


def test_twelve_megapixels_take_little_longer_than_a_small_photo(analyse: AnalyseImage) -> None:
    photos = {"small": jpeg(one_face(640, 480)), "large": jpeg(one_face(4032, 3024))}
    actions = {name: lambda data=data: analyse(data, FaceFilter()) for name, data in photos.items()}
    assert_within({"large": 4.5}, lambda: ratios(interleaved(actions, 7), "small"))


def test_a_half_sized_jpeg_is_decoded_in_a_fraction_of_the_time() -> None:
    data = jpeg(one_face(4032, 3024))
    actions = {"whole": lambda: decode(data), "half": lambda: decode_photo(data, long_side=1920)}
    assert_within({"half": 0.7}, lambda: ratios(interleaved(actions, 5), "whole"))


def test_analytics_starts_in_little_more_than_its_libraries_take(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(settings.METER, f"sqlite:{tmp_path}/mien.sqlite")
    actions = {"bare": lambda: start(BARE_START), "analytics": lambda: start(ANALYTICS_START)}
    assert_within({"analytics": 3}, lambda: ratios(interleaved(actions, 5), "bare"))


@pytest.mark.skipif(not SUMS_OF_BYTES, reason="this processor has no instructions for sums of bytes")
def test_expressions_take_less_time_in_whole_numbers(tmp_path: Path) -> None:
    shipped = load_manifest(settings.models_folder() / MANIFEST_NAME).for_task("expression")
    content = plain(shipped, read_files(shipped)).SerializeToString()
    (tmp_path / shipped.file).write_bytes(content)
    exact = Engine(replace(shipped, bytes=len(content)), tmp_path)
    faces = np.random.default_rng(0).uniform(0, 255, (6, 3, *shipped.input.shape[2:])).astype(np.float32)
    engines = {"whole": Engine(shipped, settings.models_folder()), "exact": exact}
    actions = {name: lambda engine=engine: engine.run(faces) for name, engine in engines.items()}
    assert_within({"whole": 0.85}, lambda: ratios(interleaved(actions, 9), "exact"))


def test_the_networks_of_an_analysis_are_small() -> None:
    manifest = load_manifest(settings.models_folder() / MANIFEST_NAME)
    assert sum(manifest.for_task(task).bytes for task in ANALYSIS) < 6_000_000
