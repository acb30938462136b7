"""`mediapipe`: its short-range detector and the mesh of 468 points; nothing else of a face is known to it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import mediapipe
import numpy as np

from bench.peers.answering import serve

NETWORKS = ("face_detection/face_detection_short_range.tflite", "face_landmark/face_landmark.tflite")
MOST_FACES = 100

cv2.setNumThreads(1)


def main() -> None:
    modules = Path(mediapipe.__file__).parent / "modules"
    about = {
        "version": version("mediapipe"),
        "backend": f"TensorFlow Lite, XNNPACK; Python {platform.python_version()}; OpenCV",
        "model_bytes": sum((modules / network).stat().st_size for network in NETWORKS),
    }
    # Each photo is its own: nothing is tracked from the one before.
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=MOST_FACES) as mesh:
        serve(about, decode, lambda image: count(mesh.process(image)))


def decode(jpeg: bytes) -> Any:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def count(result: Any) -> int:
    return sum(len(face.landmark) == 468 for face in result.multi_face_landmarks or ())


if __name__ == "__main__":
    main()
