"""The photos that speed is measured on, here and of deployments, made of the checkout's example photos."""

from __future__ import annotations

import cv2
import numpy as np

from mien import settings
from mien.vision.decode import Image, decode

PORTRAITS = ("astronaut", "obama", "obama2", "biden", "obama3")


def portrait(name: str) -> Image:
    """An example photo."""
    return decode((settings.CHECKOUT / "docs" / "photos" / f"{name}.jpg").read_bytes())


def one_face(width: int, height: int) -> Image:
    """A photo of this size with one person in it."""
    return fitted(portrait("obama"), width, height)


def no_face(width: int, height: int) -> Image:
    """A photo of this size of a cup of coffee."""
    return fitted(portrait("coffee"), width, height)


def group(faces: int, width: int, height: int) -> Image:
    """A montage of this size with this many people side by side in rows."""
    columns = int(np.ceil(np.sqrt(faces * width / height)))
    rows = -(-faces // columns)
    canvas = np.zeros((height, width, 3), np.uint8)
    tile_width, tile_height = width // columns, height // rows
    for index in range(faces):
        top, left = index // columns * tile_height, index % columns * tile_width
        person = head(PORTRAITS[index % len(PORTRAITS)], mirrored=index >= len(PORTRAITS))
        canvas[top : top + tile_height, left : left + tile_width] = fitted(person, tile_width, tile_height)
    return canvas


def head(name: str, mirrored: bool = False) -> Image:
    """The upper part of a portrait, which has nobody else in it."""
    image = portrait(name)
    top = image[: int(image.shape[0] * 0.62)]
    return np.ascontiguousarray(top[:, ::-1]) if mirrored else top


def jpeg(image: Image, quality: int = 90) -> bytes:
    """As a JPEG file."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("The image could not be encoded.")
    return bytes(data)


def fitted(image: Image, width: int, height: int) -> Image:
    """Scaled to fit inside, centred, black around."""
    scale = min(width / image.shape[1], height / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = small[:height, :width]
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
