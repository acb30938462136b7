"""dlib's `face_recognition`: HOG detection and an embedding a face, as its README does it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import dlib
import face_recognition
import face_recognition_models

from bench.peers.answering import serve

NETWORKS = (
    face_recognition_models.pose_predictor_five_point_model_location(),
    face_recognition_models.face_recognition_model_location(),
)
"""What `face_encodings` uses; the HOG detector is in dlib itself."""


def main() -> None:
    avx = "AVX" if dlib.USE_AVX_INSTRUCTIONS else "no AVX"
    blas = "BLAS" if dlib.DLIB_USE_BLAS else "no BLAS"
    about = {
        "version": version("face_recognition"),
        "backend": f"dlib {dlib.__version__}, {avx}, {blas}; Python {platform.python_version()}; Pillow",
        "model_bytes": sum(Path(network).stat().st_size for network in NETWORKS),
    }
    serve(about, lambda jpeg: face_recognition.load_image_file(BytesIO(jpeg)), analyse)


def analyse(image: Any) -> int:
    embeddings = face_recognition.face_encodings(image, face_recognition.face_locations(image))
    return sum(embedding.shape == (128,) for embedding in embeddings)


if __name__ == "__main__":
    main()
