"""Are two faces one person's? Embeddings, how alike they are, and decisions that are error rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist

from mien.domain.errors import EmbeddingSpaceMismatch
from mien.domain.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """A face as a vector of length one, and the space it lies in; only vectors of one space compare."""

    vector: FloatArray = field(repr=False)
    space: str

    def cosine(self, other: Embedding) -> float:
        """Cosine similarity, -1 to 1; higher is more alike.

        Raises:
            EmbeddingSpaceMismatch: the other lies in another space.

        """
        if self.space != other.space:
            raise EmbeddingSpaceMismatch("The faces were embedded by different models.")
        return float(self.vector @ other.vector)


@dataclass(frozen=True, slots=True)
class MatchCalibration:
    """What cosines of a model mean, measured on a data set.

    `cosines` gives, by policy, the cosine that a share of non-mated pairs reaches: "fmr_1e-4" is one in ten thousand.
    `slope` and `intercept` are the logistic that turns a cosine into the probability of a mated pair, when mated and
    non-mated ones are equally likely.
    """

    data: str
    non_mated_pairs: int
    cosines: dict[str, float]
    slope: float
    intercept: float

    def threshold(self, policy: str, comparisons: int = 1) -> float:
        """The cosine from which on a stranger is taken for somebody at the policy's rate, when the stranger is compared
        with this many faces: each comparison may then err only at rate / comparisons (Boole's inequality).

        Between the measured cosines, and beyond the strictest, the cosine is linear in the normal quantile of the rate,
        as if non-mated cosines were normally distributed; beyond the strictest that is not measured.

        Raises:
            KeyError: the calibration has no such policy.

        """
        if comparisons <= 1:
            return self.cosines[policy]
        points = sorted((_quantile(_rate(name)), cosine) for name, cosine in self.cosines.items())
        wanted = _quantile(_rate(policy) / comparisons)
        above = next((i for i, (quantile, _) in enumerate(points) if quantile >= wanted), len(points) - 1)
        (q1, c1), (q2, c2) = points[above - 1], points[above]
        return c1 + (c2 - c1) * (wanted - q1) / (q2 - q1)

    def probability(self, cosine: float, comparisons: int = 1) -> float:
        """The probability, 0-1, that a face of this cosine is the person: when it was found among this many faces, the
        person was as likely in the gallery as not, and might have been any of them.
        """
        return 1 / (1 + math.exp(-(self.slope * cosine + self.intercept - math.log(max(comparisons, 1)))))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two faces."""

    cosine: float
    threshold: float
    probability: float

    @property
    def is_match(self) -> bool:
        return self.cosine >= self.threshold


def compare(a: Embedding, b: Embedding, calibration: MatchCalibration, policy: str) -> Comparison:
    """Compare two embeddings at a policy's false-match rate.

    Raises:
        EmbeddingSpaceMismatch: they lie in different spaces.
        KeyError: the calibration has no such policy.

    """
    cosine = a.cosine(b)
    return Comparison(cosine, calibration.threshold(policy), calibration.probability(cosine))


def _rate(policy: str) -> float:
    """fmr_1e-4 is one in ten thousand."""
    return float(policy.removeprefix("fmr_"))


def _quantile(rate: float) -> float:
    """How many standard deviations a normal variable exceeds at this rate."""
    return -NormalDist().inv_cdf(rate)
