"""From the bytes of a JPEG, PNG or WebP to an upright 8-bit BGR image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.errors import ImageTooLarge, UndecodableImage
from mien.domain.geometry import ImageSize
from mien.vision.image_header import ImageFormat, ImageHeader, read_header

Image = NDArray[np.uint8]

MAX_PIXELS = 40_000_000
MIN_SIDE = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may cost: a JPEG goes over its pixels with each of its scans. Over `whole_pixels` it is decoded at
    half its width and height, but for one with alpha.
    """

    pixels: int
    memory: int
    scanned_pixels: int
    whole_pixels: int


# A call may take 300 MB beyond the idle process and about a second: 40 megapixels take 240 MB as BGR,
# 280 from a lossless WebP, and 10 ms a scan.
CALL = Limits(pixels=MAX_PIXELS, memory=280_000_000, scanned_pixels=1_000_000_000, whole_pixels=MAX_PIXELS)
"""While somebody waits."""

UPLOAD = Limits(pixels=100_000_000, memory=1_000_000_000, scanned_pixels=2_500_000_000, whole_pixels=MAX_PIXELS)
"""In a function of three gigabytes that nobody waits for."""

# Our own header reader has the orientation of all three formats, OpenCV's only of some.
_COLOUR_FLAGS = cv2.IMREAD_COLOR_BGR | cv2.IMREAD_IGNORE_ORIENTATION
_REDUCED_FLAGS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
_ALPHA_FLAGS = cv2.IMREAD_UNCHANGED
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_STRIP = 64  # rows; what is blended at a time stays in the cache

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a broken photo is the caller's news, not the log's


@dataclass(frozen=True, slots=True)
class Photo:
    """An upright BGR image, (height, width, 3) uint8, of a photo of `size`, which may be larger."""

    image: Image
    size: ImageSize
    could_be_finer: bool

    @property
    def scale(self) -> tuple[float, float]:
        """How many times as wide and high as the image the photo is."""
        return self.size.width / self.image.shape[1], self.size.height / self.image.shape[0]


def decode_photo(data: bytes, limits: Limits = CALL, long_side: float = math.inf) -> Photo:
    """Decode, upright; alpha is flattened on white. A JPEG is decoded to a half, a quarter or an eighth of its sides,
    in a fraction of the time, as long as the longer one keeps `long_side` pixels.

    Raises:
        UnsupportedImage: not a JPEG, PNG or WebP.
        ImageTooLarge: over the limits, as far as can be told before any pixel is decoded.
        UndecodableImage: truncated, corrupt, or under 16 pixels on a side.

    """
    header = read_header(data)
    _check_size(header.size, limits)
    _check_cost(header, limits)
    reduction = _reduction(header, limits, long_side)
    flags = _ALPHA_FLAGS if header.has_alpha else _colour_flags(reduction)
    try:
        pixels = cv2.imdecode(np.frombuffer(header.still, dtype=np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise UndecodableImage(f"The {header.format} could not be decoded: its data is corrupt.")
    image = _upright(_to_bgr8(pixels), header.orientation)
    size = header.size.turned() if header.orientation in _SIDEWAYS else header.size
    return Photo(image, size, could_be_finer=reduction > _reduction(header, limits, math.inf))


def _reduction(header: ImageHeader, limits: Limits, long_side: float) -> int:
    """By how much the sides are divided. Only a JPEG is decoded in less time for it; the others, in less memory."""
    least = 1 if header.size.pixels <= limits.whole_pixels else 2
    if header.format is not ImageFormat.JPEG:
        return least
    enough = max(header.size.width, header.size.height) / long_side
    return max([least, *(factor for factor in _REDUCED_FLAGS if factor <= enough)])


def _colour_flags(reduction: int) -> int:
    return _COLOUR_FLAGS if reduction == 1 else _REDUCED_FLAGS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION


def decode(data: bytes) -> Image:
    """Decode, upright, a photo such as a call may hold. Raises as `decode_photo` does."""
    return decode_photo(data).image


def image_size(image: Image) -> ImageSize:
    """The size of a decoded image."""
    return ImageSize(image.shape[1], image.shape[0])


def _check_size(size: ImageSize, limits: Limits) -> None:
    if size.pixels > limits.pixels:
        most = limits.pixels // 1_000_000
        raise ImageTooLarge(f"The image has {size.width}×{size.height} pixels; at most {most} megapixels are taken.")
    if min(size.width, size.height) < MIN_SIDE:
        raise UndecodableImage(
            f"The image has {size.width}×{size.height} pixels; at least {MIN_SIDE}×{MIN_SIDE} are needed."
        )


def _check_cost(header: ImageHeader, limits: Limits) -> None:
    if header.memory > limits.memory:
        raise ImageTooLarge(
            f"A {header.format} of this kind and size takes {header.memory // 1_000_000} MB to decode; at most "
            f"{limits.memory // 1_000_000} are given. Send it with fewer pixels, bits or channels."
        )
    if header.scans * header.size.pixels > limits.scanned_pixels:
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
    if orientation in _SIDEWAYS:
        image = cv2.transpose(image)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if flip is None else cv2.flip(image, flip, image)
