from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from mien import settings
from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace, Sentiment
from mien.domain.geometry import BoundingBox, Landmarks5
from mien.vision.chips import ARCFACE_112, FaceChips
from mien.vision.engine import Engine
from mien.vision.expression import ExpressionClassifier
from mien.vision.manifest import MANIFEST_NAME, ModelSpec, load_manifest

ANGRY, HAPPY = Sentiment.ANGRY, Sentiment.HAPPY
SPEC = replace(
    load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME).for_task("expression"),
    operating_points={"sentiment_temperature": 1.0, "faceapi_temperature": 2.0},
)


@dataclass
class Divided:
    """An engine of which our network says that all faces are angry, and face-api's that they are happy."""

    spec: ModelSpec = SPEC

    def run(self, tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ours, theirs = (np.eye(7, dtype=np.float32)[list(Sentiment).index(said)] for said in (ANGRY, HAPPY))
        return np.tile(4 * ours, (len(tensor), 1)), np.tile(8 * theirs, (len(tensor), 1))


def said_of_a_face(size: float) -> dict[Sentiment, float]:
    """What is said of a face that is so many times as large as the chips that the network sees."""
    face = DetectedFace(BoundingBox(0, 0, 1, 1), Landmarks5.from_array(ARCFACE_112 * np.float32(size)), 1.0)
    seen = FaceChips(np.zeros((112, 112, 3), np.uint8), [face])
    (emotion,) = ExpressionClassifier(cast(Engine, Divided())).classify(seen)
    return emotion.sentiments


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_of_a_face_as_fine_as_they_see_it_both_networks_say_as_much(size: float) -> None:
    said = said_of_a_face(size)
    assert said[HAPPY] == pytest.approx(said[ANGRY])


def test_the_coarser_a_face_is_the_more_our_network_says() -> None:
    shares = [said_of_a_face(size)[ANGRY] for size in (1.0, 0.7, 0.5, 0.1)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(np.exp(4) / (np.exp(4) + 6), abs=0.01)


def test_a_network_that_does_not_name_the_sentiments_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        ExpressionClassifier(cast(Engine, Divided(replace(SPEC, outputs=SPEC.outputs[:1]))))
