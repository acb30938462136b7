from __future__ import annotations

import numpy as np
import pytest

from bench.calibrate import fit_half, fit_logistic, fit_temperature


def test_a_logistic_is_recovered_from_draws_of_it() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(-1, 1, 200_000).astype(np.float32)
    positive = rng.random(len(scores)) < 1 / (1 + np.exp(-(8 * scores + 0.0)))
    assert fit_logistic(scores, positive) == pytest.approx((8, 0), abs=0.3)


def test_the_score_at_which_half_succeed_is_recovered() -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(0, 1, 50_000)
    positive = rng.random(len(scores)) < 1 / (1 + np.exp(-20 * (scores - 0.3)))
    assert fit_half(scores, positive) == pytest.approx(0.3, abs=0.01)


def test_a_temperature_is_recovered_from_draws_of_it() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (20_000, 7)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (chances.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)
    assert fit_temperature(logits * 3, truth) == pytest.approx(3, rel=0.05)
