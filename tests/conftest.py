"""What all tests share: example photos, images made of them, and the loaded pipeline."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from mien import settings
from mien.cli.sample_photos import group, jpeg
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.decode import Image
from tests.web_server import WebServer

# Handlers that a test imports open their meter; it is nobody's business but theirs.
_state = tempfile.mkdtemp()
os.environ |= {settings.METER: f"sqlite:{_state}/mien.sqlite", settings.PHOTOS: f"folder:{_state}"}

os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"

PHOTOS = settings.CHECKOUT / "docs" / "photos"


@pytest.fixture(scope="session")
def photo() -> Callable[[str], bytes]:
    """The bytes of an example photo by name."""
    return lambda name: (PHOTOS / f"{name}.jpg").read_bytes()


@pytest.fixture(scope="module")
def web_server() -> Iterator[WebServer]:
    """The web of a test module; reset it."""
    web = WebServer()
    yield web
    web.stop()


@pytest.fixture(scope="session")
def analyse() -> AnalyseImage:
    return AnalyseImage.load(settings.models_folder())


@pytest.fixture(scope="session")
def six_people() -> Image:
    """A montage of six faces."""
    return group(6, 1200, 800)


@pytest.fixture(scope="session")
def six_people_jpeg(six_people: Image) -> bytes:
    return jpeg(six_people)


@pytest.fixture(scope="session")
def sixty_megapixel_png() -> bytes:
    """A small file that would decode to 60 megapixels."""
    done, data = cv2.imencode(".png", np.zeros((6000, 10000), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return bytes(data)


def pillow(data: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(data))


def saved(image: Pillow.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def mean_difference(a: Image, b: Image) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())
