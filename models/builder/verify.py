"""Checking a converted network against a reference computed another way, on real faces.

YuNet and faceplugin's networks run in OpenCV's own engine from the file as published, one face at a time;
face-api's run in its own JavaScript on TensorFlow.js. Ours run in onnxruntime, converted, in a batch.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.faces import DetectedFace
from mien.domain.geometry import FloatArray
from mien.vision.chips import FaceChips
from mien.vision.decode import Image, decode
from mien.vision.detector import FaceDetector
from mien.vision.engine import Engine, softmax, to_tensor
from mien.vision.face_network import FaceNetwork
from mien.vision.manifest import ModelSpec, Output
from models.builder.convert import FACEAPI_LABELS, GREY_OF_BGR, Files, published, trained
from models.builder.errors import WrongGraph

TOLERANCE = 1.5e-2
"""Of probabilities, of degrees per hundred, of points per side of the chip, and of an embedding's values. Weights of
eight bits take most of it; a wrong weight goes far beyond.
"""

BOX_TOLERANCE_PX = 0.1


@dataclass(frozen=True)
class Witness:
    """A photo and its largest face."""

    image: Image
    face: DetectedFace


def witnesses(photos: list[Path], detector: FaceDetector) -> list[Witness]:
    """The photos as the pipeline sees them."""
    images = [decode(photo.read_bytes()) for photo in photos]
    return [Witness(image, detector.detect(image)[0]) for image in images]


def verify(engine: Engine, files: Files, seen: list[Witness]) -> float:
    """Compare a built network with its reference; the largest difference found.

    Raises:
        WrongGraph: they differ by more than the tolerance.

    """
    return _VERIFIERS[engine.spec.id](engine, files, seen)


def verify_detector(engine: Engine, published: bytes, photos: list[Path]) -> float:
    """Compare YuNet with OpenCV's own FaceDetectorYN; the largest difference of a box or landmark, in pixels.

    Raises:
        WrongGraph: a face is missing, or lies more than a tenth of a pixel elsewhere.

    """
    worst = 0.0
    for photo in photos:
        image = _square(decode(photo.read_bytes()))
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            file.write(published)
            file.flush()
            theirs = cv2.FaceDetectorYN.create(file.name, "", image.shape[1::-1], 0.6, 0.3)
        _, rows = theirs.detect(image)
        ours = FaceDetector(engine).detect_at(image, scale=1.0, min_probability=0.6)
        if rows is None or len(rows) != len(ours):
            raise WrongGraph(f"{engine.spec.id}: not the same number of faces as OpenCV's detector on {photo.name}.")
        rows = sorted(rows, key=lambda row: -row[2] * row[3])
        for row, face in zip(rows, ours, strict=True):
            box = [face.box.x1, face.box.y1, face.box.width, face.box.height]
            found = np.concatenate([box, face.landmarks.as_array().ravel()])
            worst = max(worst, float(np.abs(found - row[:14]).max()))
    return _within(worst, BOX_TOLERANCE_PX, engine.spec)


def _square(image: Image) -> Image:
    """Scaled and padded to 640×640, the one size the published file takes."""
    scale = 640 / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, 640 - small.shape[0], 0, 640 - small.shape[1], cv2.BORDER_CONSTANT)


def _chips(engine: Engine, seen: list[Witness]) -> NDArray[np.uint8]:
    network = FaceNetwork(engine)
    return np.concatenate([network.chips(FaceChips(witness.image, [witness.face])) for witness in seen])


def _against_opencv(engine: Engine, files: Files, seen: list[Witness]) -> float:
    tensor = to_tensor(_chips(engine, seen), engine.spec.input)
    theirs = _opencv_says(_reference(engine.spec, files), tensor, [output.name for output in engine.spec.outputs])
    worst = 0.0
    for output, one, other in zip(engine.spec.outputs, engine.run(tensor), theirs, strict=True):
        comparable = _comparable(engine.spec, output)
        worst = max(worst, float(np.abs(comparable(one) - comparable(other)).max()))
    return _within(worst, TOLERANCE, engine.spec)


def _reference(spec: ModelSpec, files: Files) -> bytes:
    return trained(spec, files).SerializeToString() if spec.training else published(spec, files)


def _opencv_says(network: bytes, tensor: FloatArray, outputs: list[str]) -> list[FloatArray]:
    """What OpenCV's engine makes of each input alone, by output; one row an input."""
    loaded = cv2.dnn.readNetFromONNX(np.frombuffer(network, np.uint8))
    rows = []
    for single in tensor:
        loaded.setInput(single[None])
        rows.append([row.reshape(-1) for row in loaded.forward(outputs)])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _comparable(spec: ModelSpec, output: Output) -> Callable[[FloatArray], FloatArray]:
    if "embedding" in spec.tasks:
        return _unit
    return _per_hundred if output.name == "pose" else softmax


def _landmarks_against_opencv(engine: Engine, files: Files, seen: list[Witness]) -> float:
    """The published network sees grey."""
    chips = _chips(engine, seen)
    grey: FloatArray = chips.astype(np.float32) @ (np.array(GREY_OF_BGR, np.float32) / np.float32(256))
    (theirs,) = _opencv_says(published(engine.spec, files), grey[:, None], [engine.spec.outputs[0].name])
    (ours,) = engine.run(to_tensor(chips, engine.spec.input))
    return _within(float(np.abs(ours - theirs).max()), TOLERANCE, engine.spec)


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _per_hundred(degrees: FloatArray) -> FloatArray:
    return degrees / np.float32(100)


def _expression_against_both(engine: Engine, files: Files, seen: list[Witness]) -> float:
    """Mien's own part in OpenCV, from the file as trained; face-api's in its own code."""
    spec, chips = engine.spec, _chips(engine, seen)
    tensor = to_tensor(chips, spec.input)
    own, faceapi = spec.outputs
    (ours,) = _opencv_says(_reference(spec, files), tensor, [own.name])
    theirs = _run_faceapi(files, chips)[:, [FACEAPI_LABELS.index(label) for label in faceapi.labels]]
    built = [softmax(logits) for logits in engine.run(tensor)]
    worst = max(float(np.abs(one - other).max()) for one, other in zip(built, (softmax(ours), theirs), strict=True))
    return _within(worst, TOLERANCE, spec)


def _run_faceapi(files: Files, chips: NDArray[np.uint8]) -> FloatArray:
    """What face-api's own code says of RGB chips, one row a chip."""
    node = shutil.which("node")
    if node is None:
        raise WrongGraph("Node.js is needed to compute face-api's own answer. Install Node.js 20, then try again.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for member, content in files.items():
            (folder / Path(member).name).write_bytes(content)
        library = (folder / "face-api.esm.js").rename(folder / "face-api.mjs")
        script = Path(__file__).with_name("faceapi_reference.mjs")
        rgb = np.ascontiguousarray(chips[..., ::-1]).astype("<f4")
        command = [node, str(script), str(library), str(folder)]
        done = subprocess.run(command, input=rgb.tobytes(), capture_output=True, check=False)
    if done.returncode != 0:
        raise WrongGraph(f"face-api's own code failed under Node.js: {done.stderr.decode(errors='replace')[-300:]}")
    return np.array(json.loads(done.stdout), np.float32)


def _within(worst: float, tolerance: float, spec: ModelSpec) -> float:
    if not worst <= tolerance:
        raise WrongGraph(f"{spec.id} differs from its reference by {worst:.2g}, more than {tolerance:.2g}.")
    return worst


_VERIFIERS: dict[str, Callable[[Engine, Files, list[Witness]], float]] = {
    "mien-expression": _expression_against_both,
    "mien-looks": _against_opencv,
    "faceplugin-landmarks": _landmarks_against_opencv,
    "faceplugin-liveness": _against_opencv,
    "faceplugin-embedding": _against_opencv,
}
