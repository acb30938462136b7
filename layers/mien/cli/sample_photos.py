"""Photos to measure a deployment with, made of the checkout's own."""

from __future__ import annotations

import cv2
import numpy as np

from mien import settings
from mien.vision.decode import Image, decode

_PHOTOS = settings.CHECKOUT / "docs" / "photos"
_PORTRAITS = ("astronaut", "obama", "obama2", "biden", "obama3", "obama")
_COLUMNS, _TILE = 3, 540


def sample_photos() -> dict[int, bytes]:
    """A JPEG of one person, of six and of nobody, by how many faces it shows."""
    one, nobody = ((_PHOTOS / f"{name}.jpg").read_bytes() for name in ("obama", "coffee"))
    return {1: one, 6: _group(), 0: nobody}


def _group() -> bytes:
    """Six heads in two rows, 1620×1080."""
    tiles = [_head(name) for name in _PORTRAITS]
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    _, jpeg = cv2.imencode(".jpg", np.vstack(rows))
    return jpeg.tobytes()


def _head(name: str) -> Image:
    """The upper part of a portrait, square."""
    image = decode((_PHOTOS / f"{name}.jpg").read_bytes())
    side = int(image.shape[0] * 0.62)
    left = max(image.shape[1] - side, 0) // 2
    return cv2.resize(image[:side, left : left + side], (_TILE, _TILE), interpolation=cv2.INTER_AREA)
