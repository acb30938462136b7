"""Where are the faces of a photo? It is decoded no finer than it takes to find them and to see them well."""

from __future__ import annotations

from mien.domain.face_filter import FaceFilter
from mien.domain.faces import DetectedFace
from mien.usecases.stopwatch import Stopwatch
from mien.vision.decode import Limits, Photo, decode_photo, image_size
from mien.vision.detector import FINE_LONG_SIDE, FaceDetector
from mien.vision.landmarks import LandmarkLocaliser

WELL_SEEN = 128
"""Pixels of a face's shorter side from which it is decoded no finer: about the side of the chips that networks see."""


def find_faces(
    detector: FaceDetector,
    landmarks: LandmarkLocaliser,
    data: bytes,
    limits: Limits,
    wanted: FaceFilter,
    watch: Stopwatch,
) -> tuple[Photo, tuple[DetectedFace, ...]]:
    """The wanted faces of a JPEG, PNG or WebP, largest first, in pixels of the decoded image, which may be smaller than
    the photo; `wanted` is in pixels of the photo. Their points are where the landmark network sees them.

    Raises:
        ImageError: the image is of another kind, too large, or cannot be decoded.

    """
    with watch.stage("decode"):
        photo = decode_photo(data, limits, FINE_LONG_SIDE[1])  # the detector looks no finer
    with watch.stage("detect"):
        seen = wanted.seen_at(min(photo.scale))
        faces = seen.of(detector.detect(photo.image, wanted.min_detection_probability))
    smallest = min((min(face.box.width, face.box.height) for face in faces), default=WELL_SEEN)
    if photo.could_be_finer and smallest < WELL_SEEN:
        coarse = image_size(photo.image)
        del photo  # two images at once are what a call takes most memory for
        with watch.stage("decode"):
            photo = decode_photo(data, limits, max(coarse.width, coarse.height) * WELL_SEEN / smallest)
        fine = image_size(photo.image)
        faces = tuple(face.scaled(fine.width / coarse.width, fine.height / coarse.height) for face in faces)
    with watch.stage("detect"):
        return photo, landmarks.localise(photo.image, faces) if faces else ()
