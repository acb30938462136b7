from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import cast

import numpy as np
import pytest

from mien import settings
from mien.domain.errors import ConfigurationError
from mien.domain.faces import DetectedFace
from mien.domain.geometry import BoundingBox, Landmarks5
from mien.vision.chips import ARCFACE_112, FaceChips
from mien.vision.engine import Engine
from mien.vision.looks import LooksEstimator, age_of
from mien.vision.manifest import MANIFEST_NAME, ModelSpec, load_manifest

BANDS = (0, 3, 10, 20, 30, 40, 50, 60, 70, 85)


@dataclass
class Undecided:
    """An engine to which all faces are alike."""

    spec: ModelSpec

    def run(self, tensor: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.zeros((len(tensor), output.shape[1] or 0), np.float32) for output in self.spec.outputs)


@pytest.fixture
def undecided() -> Undecided:
    return Undecided(load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME).for_task("age_gender"))


def share(band: int) -> np.ndarray:
    """All probability in one band."""
    return np.eye(len(BANDS) - 1, dtype=np.float32)[band]


def test_who_is_surely_of_a_band_is_in_its_middle_and_the_range_is_four_fifths_of_it() -> None:
    age = age_of(share(3), BANDS)
    assert (age.low, age.years, age.high) == pytest.approx((21, 25, 29))


@pytest.mark.parametrize(("band", "years"), [(0, 1.5), (8, 77.5)])
def test_the_youngest_and_the_oldest_are_not_drawn_to_the_middle(band: int, years: float) -> None:
    assert age_of(share(band), BANDS).years == pytest.approx(years)


def test_who_may_be_of_several_bands_has_a_range_over_them() -> None:
    age = age_of((share(2) + share(4)) / 2, BANDS)
    assert (age.low, age.high) == pytest.approx((12, 38))
    assert 20 <= age.years <= 30


def test_who_may_be_of_any_band_is_of_an_age_that_many_are(undecided: Undecided) -> None:
    face = DetectedFace(BoundingBox(0, 0, 112, 112), Landmarks5.from_array(ARCFACE_112), 1.0)
    estimator = LooksEstimator(cast(Engine, undecided))
    (looks,) = estimator.estimate(FaceChips(np.zeros((112, 112, 3), np.uint8), [face]))
    expected = age_of(np.array(undecided.spec.age_prior), undecided.spec.age_bands)
    assert astuple(looks.age) == pytest.approx(astuple(expected))
    assert expected.years == pytest.approx(30, abs=0.5)


def test_a_share_for_each_band_is_needed(undecided: Undecided) -> None:
    spec = replace(undecided.spec, age_prior=undecided.spec.age_prior[1:])
    with pytest.raises(ConfigurationError, match="does not name"):
        LooksEstimator(cast(Engine, Undecided(spec)))
