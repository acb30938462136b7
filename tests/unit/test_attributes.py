from __future__ import annotations

import numpy as np
import pytest

from mien.vision.attributes import age_of

BANDS = (0, 3, 10, 20, 30, 40, 50, 60, 70, 85)


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
