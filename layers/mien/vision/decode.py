"""From the bytes of a JPEG, PNG or WebP to an upright 8-bit BGR image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.errors import ImageTooLarge, UndecodableImage
from mien.domain.geometry import ImageSize
from mien.vision.image_header import ImageFormat, read_header

Image = NDArray[np.uint8]

MAX_PIXELS = 40_000_000
MIN_SIDE = 16

# Our own header reader has the orientation of all three formats, OpenCV's only of some.
_JPEG_FLAGS = cv2.IMREAD_COLOR_BGR | cv2.IMREAD_IGNORE_ORIENTATION
_ALPHA_FLAGS = cv2.IMREAD_UNCHANGED

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a broken photo is the caller's news, not the log's


def decode(data: bytes) -> Image:
    """Decode to (height, width, 3) uint8 BGR, upright; alpha is flattened on white.

    Raises:
        UnsupportedImage: not a JPEG, PNG or WebP.
        ImageTooLarge: over 40 megapixels; found before any pixel is decoded.
        UndecodableImage: truncated, corrupt, or under 16 pixels on a side.

    """
    header = read_header(data)
    _check_size(header.size)
    flags = _JPEG_FLAGS if header.format is ImageFormat.JPEG else _ALPHA_FLAGS
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise UndecodableImage(f"The {header.format} could not be decoded: its data is corrupt.")
    return _upright(_to_bgr8(pixels), header.orientation)


def image_size(image: Image) -> ImageSize:
    """The size of a decoded image."""
    return ImageSize(image.shape[1], image.shape[0])


def _check_size(size: ImageSize) -> None:
    if size.pixels > MAX_PIXELS:
        raise ImageTooLarge(
            f"The image has {size.width}×{size.height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are taken."
        )
    if min(size.width, size.height) < MIN_SIDE:
        raise UndecodableImage(
            f"The image has {size.width}×{size.height} pixels; at least {MIN_SIDE}×{MIN_SIDE} are needed."
        )


def _to_bgr8(pixels: NDArray[Any]) -> Image:
    """Grey, BGR or BGRA, 8 or 16 bits a channel, to 8-bit BGR."""
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    if channels == 4:
        return _on_white(pixels)
    return np.ascontiguousarray(pixels[:, :, :3])


def _on_white(bgra: Image) -> Image:
    colour, alpha = bgra[:, :, :3], bgra[:, :, 3:].astype(np.uint16)
    if alpha.min() == 255:
        return np.ascontiguousarray(colour)
    blended = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return blended.astype(np.uint8)


def _upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else cv2.flip(image, flip)
