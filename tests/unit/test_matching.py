from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mien import settings
from mien.domain.errors import EmbeddingSpaceMismatch
from mien.domain.matching import Embedding, MatchCalibration, compare
from mien.vision.manifest import MANIFEST_NAME, load_manifest

CALIBRATION = MatchCalibration("a set", 1000, {"fmr_1e-2": 0.2, "fmr_1e-4": 0.4}, slope=30.0, intercept=-9.0)


def embedding(angle: float, space: str = "m") -> Embedding:
    return Embedding(np.array([np.cos(angle), np.sin(angle)], np.float32), space)


def test_the_policy_decides_where_a_match_begins() -> None:
    a, b = embedding(0), embedding(np.arccos(0.3))
    assert compare(a, b, CALIBRATION, "fmr_1e-2").is_match
    assert not compare(a, b, CALIBRATION, "fmr_1e-4").is_match


def test_embeddings_of_different_models_are_not_compared() -> None:
    with pytest.raises(EmbeddingSpaceMismatch):
        compare(embedding(0, "old"), embedding(0, "new"), CALIBRATION, "fmr_1e-4")


def test_a_vector_is_not_shown_when_an_embedding_is_printed() -> None:
    assert "0.5" not in repr(Embedding(np.array([0.5, 0.5], np.float32), "m"))


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_probability_grows_with_the_cosine(a: float, b: float) -> None:
    low, high = sorted([a, b])
    assert 0 <= CALIBRATION.probability(low) <= CALIBRATION.probability(high) <= 1


def test_a_stricter_policy_asks_for_a_higher_cosine() -> None:
    matching = load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME).for_task("embedding").matching
    assert matching is not None
    assert list(matching.cosines) == ["fmr_1e-2", "fmr_1e-3", "fmr_1e-4", "fmr_1e-5"]
    assert list(matching.cosines.values()) == sorted(matching.cosines.values())
    assert matching.slope > 0
    assert matching.non_mated_pairs > 1e6


def matching() -> MatchCalibration:
    found = load_manifest(settings.CHECKOUT / "models" / MANIFEST_NAME).for_task("embedding").matching
    assert found is not None
    return found


def test_against_one_face_the_threshold_is_the_measured_one() -> None:
    for policy, cosine in matching().cosines.items():
        assert matching().threshold(policy) == matching().threshold(policy, 1) == cosine


def test_ten_times_the_faces_ask_for_the_next_stricter_rate() -> None:
    assert matching().threshold("fmr_1e-2", 10) == pytest.approx(matching().cosines["fmr_1e-3"])
    assert matching().threshold("fmr_1e-4", 10) == pytest.approx(matching().cosines["fmr_1e-5"])
    assert matching().threshold("fmr_1e-2", 1000) == pytest.approx(matching().cosines["fmr_1e-5"])


@hypothesis_settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_threshold_rises_with_the_gallery_and_the_confidence_falls(a: int, b: int) -> None:
    small, large = sorted([a, b])
    for policy in matching().cosines:
        assert matching().threshold(policy, small) <= matching().threshold(policy, large) < 1
    assert matching().probability(0.5, small) >= matching().probability(0.5, large)


def test_strangers_with_normal_cosines_are_named_at_the_policys_rate() -> None:
    """Rates that were measured, and rates that are carried on beyond."""
    deviation = 0.11
    cosines = {f"fmr_1e-{n}": -NormalDist(0, deviation).inv_cdf(10.0**-n) for n in (2, 3, 4)}
    calibration = MatchCalibration("normal", 10**6, cosines, 30, -9)
    rng = np.random.default_rng(0)
    for faces in (3, 30, 300):
        best = rng.standard_normal((20_000, faces)).max(axis=1) * deviation
        named = (best >= calibration.threshold("fmr_1e-2", faces)).mean()
        assert named == pytest.approx(0.01, abs=0.0025)
