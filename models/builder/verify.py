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
from mien.vision.decode import Image, decode
from mien.vision.detector import FaceDetector
from mien.vision.engine import Engine, softmax, to_tensor
from mien.vision.face_network import FaceNetwork
from mien.vision.manifest import ModelSpec
from models.builder.convert import FACEAPI_LABELS, GREY_OF_BGR, Files, published, trained
from models.builder.errors import WrongGraph

TOLERANCE = 2e-2
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
    return np.concatenate([network.chips(witness.image, [witness.face]) for witness in seen])


def _against_opencv(engine: Engine, files: Files, seen: list[Witness]) -> float:
    tensor = to_tensor(_chips(engine, seen), engine.spec.input)
    network = cv2.dnn.readNetFromONNX(np.frombuffer(published(engine.spec, files), np.uint8))
    names = [output.name for output in engine.spec.outputs]
    comparable = _unit if "embedding" in engine.spec.tasks else softmax
    worst = 0.0
    ours = engine.run(tensor)
    for index in range(len(tensor)):
        network.setInput(tensor[index : index + 1])
        theirs = network.forward(names)
        for our_output, their_output in zip(ours, theirs, strict=True):
            difference = comparable(our_output[index]) - comparable(their_output.reshape(-1))
            worst = max(worst, float(np.abs(difference).max()))
    return _within(worst, TOLERANCE, engine.spec)


def _landmarks_against_opencv(engine: Engine, files: Files, seen: list[Witness]) -> float:
    """The published network sees grey."""
    chips = _chips(engine, seen)
    (ours,) = engine.run(to_tensor(chips, engine.spec.input))
    network = cv2.dnn.readNetFromONNX(np.frombuffer(published(engine.spec, files), np.uint8))
    worst = 0.0
    for chip, points in zip(chips, ours, strict=True):
        grey = chip.astype(np.float32) @ np.array(GREY_OF_BGR, np.float32) / 256
        network.setInput(grey[None, None])
        worst = max(worst, float(np.abs(points - network.forward().reshape(-1)).max()))
    return _within(worst, TOLERANCE, engine.spec)


def _unit(vector: FloatArray) -> FloatArray:
    return vector / np.linalg.norm(vector)


def _attributes_against_all(engine: Engine, files: Files, seen: list[Witness]) -> float:
    """Mien's own parts in OpenCV, from the files as trained; face-api's in its own code."""
    spec, chips = engine.spec, _chips(engine, seen)
    looks, expression = (
        cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8)) for model in trained(spec, files)
    )
    columns = [FACEAPI_LABELS.index(label) for label in spec.outputs[0].labels]
    theirs = np.log(_run_faceapi(files, chips))[:, columns] * spec.operating_point("faceapi_weight")
    built = engine.run(to_tensor(chips, spec.input))
    worst = 0.0
    for index, chip in enumerate(chips):
        looks.setInput(to_tensor(chip[None], spec.input))
        expression.setInput(to_tensor(chip[None], spec.input))
        sentiments = expression.forward().reshape(-1) + theirs[index]
        ages, genders, pose = (part.reshape(-1) for part in looks.forward([o.name for o in spec.outputs[1:]]))
        expected = [softmax(part) for part in (sentiments, ages, genders)]
        said = [softmax(output[index]) for output in built[:-1]]
        for one, other in zip((*expected, pose / 100), (*said, built[-1][index] / 100), strict=True):
            worst = max(worst, float(np.abs(one - other).max()))
    return _within(worst, TOLERANCE, engine.spec)


def _run_faceapi(files: Files, chips: NDArray[np.uint8]) -> NDArray[np.float64]:
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
    return np.array(json.loads(done.stdout))


def _within(worst: float, tolerance: float, spec: ModelSpec) -> float:
    if not worst <= tolerance:
        raise WrongGraph(f"{spec.id} differs from its reference by {worst:.2g}, more than {tolerance:.2g}.")
    return worst


_VERIFIERS: dict[str, Callable[[Engine, Files, list[Witness]], float]] = {
    "mien-attributes": _attributes_against_all,
    "faceplugin-landmarks": _landmarks_against_opencv,
    "faceplugin-liveness": _against_opencv,
    "faceplugin-embedding": _against_opencv,
}
