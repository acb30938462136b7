"""From the bytes of a JPEG, PNG or WebP to an upright 8-bit BGR image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.errors import ImageTooLarge, UndecodableImage
from mien.domain.geometry import ImageSize
from mien.vision.image_header import ImageHeader, read_header

Image = NDArray[np.uint8]

MAX_PIXELS = 40_000_000
MIN_SIDE = 16

# A call may take 300 MB beyond the idle process and about a second: 40 megapixels take 240 MB as BGR,
# 280 from a lossless WebP, and 10 ms a scan.
MAX_DECODING_MEMORY = 280_000_000
MAX_SCANNED_PIXELS = 1_000_000_000

# Our own header reader has the orientation of all three formats, OpenCV's only of some.
_COLOUR_FLAGS = cv2.IMREAD_COLOR_BGR | cv2.IMREAD_IGNORE_ORIENTATION
_ALPHA_FLAGS = cv2.IMREAD_UNCHANGED
_STRIP = 64  # rows; what is blended at a time stays in the cache

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a broken photo is the caller's news, not the log's


def decode(data: bytes) -> Image:
    """Decode to (height, width, 3) uint8 BGR, upright; alpha is flattened on white.

    Raises:
        UnsupportedImage: not a JPEG, PNG or WebP.
        ImageTooLarge: over 40 megapixels, or of a kind that takes too much memory or time to decode; found before any
            pixel is decoded.
        UndecodableImage: truncated, corrupt, or under 16 pixels on a side.

    """
    header = read_header(data)
    _check_size(header.size)
    _check_cost(header)
    flags = _ALPHA_FLAGS if header.has_alpha else _COLOUR_FLAGS
    try:
        pixels = cv2.imdecode(np.frombuffer(header.still, dtype=np.uint8), flags)
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


def _check_cost(header: ImageHeader) -> None:
    if header.memory > MAX_DECODING_MEMORY:
        raise ImageTooLarge(
            f"A {header.format} of this kind and size takes {header.memory // 1_000_000} MB to decode; at most "
            f"{MAX_DECODING_MEMORY // 1_000_000} are given. Send it with fewer pixels, bits or channels."
        )
    if header.scans * header.size.pixels > MAX_SCANNED_PIXELS:
        raise ImageTooLarge(f"The JPEG goes over its pixels {header.scans} times; send it as a baseline JPEG.")


def _to_bgr8(pixels: NDArray[Any]) -> Image:
    """Grey, BGR or BGRA, 8 or 16 bits a channel, to 8-bit BGR. Overwrites BGRA."""
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return _on_white(pixels)
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / 65535)
    return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.ndim == 2 else pixels


def _on_white(bgra: NDArray[Any]) -> Image:
    """Flattened into its own memory, strip by strip from the top: what is written never overtakes what is read."""
    height, width = bgra.shape[:2]
    flat: Image = bgra.reshape(-1).view(np.uint8)[: 3 * height * width].reshape(height, width, 3)
    for top in range(0, height, _STRIP):
        strip = bgra[top : top + _STRIP]
        if strip.dtype == np.uint16:
            strip = cv2.convertScaleAbs(strip, alpha=255 / 65535)
        colour = cv2.cvtColor(strip, cv2.COLOR_BGRA2BGR)
        alpha = cv2.cvtColor(strip[:, :, 3], cv2.COLOR_GRAY2BGR)
        # White shows as much as the colour's distance from it is scaled down.
        flat[top : top + _STRIP] = 255 - cv2.multiply(255 - colour, alpha, scale=1 / 255)
    return flat


def _upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation (EXIF 2.3, tag 0x0112). Overwrites the image."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else cv2.flip(image, flip, image)
