"""Are two faces one person's? Embeddings, how alike they are, and decisions that are error rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mien.domain.errors import EmbeddingSpaceMismatch
from mien.domain.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """A face as a vector of length one, and the model it comes from; only vectors of one model compare."""

    vector: FloatArray = field(repr=False)
    model_id: str

    def cosine(self, other: Embedding) -> float:
        """Cosine similarity, -1 to 1; higher is more alike.

        Raises:
            EmbeddingSpaceMismatch: the other comes from another model.

        """
        if self.model_id != other.model_id:
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

    def probability(self, cosine: float) -> float:
        """The probability that a pair of this cosine is one person, 0-1."""
        return 1 / (1 + math.exp(-(self.slope * cosine + self.intercept)))


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
        EmbeddingSpaceMismatch: they come from different models.
        KeyError: the calibration has no such policy.

    """
    cosine = a.cosine(b)
    return Comparison(cosine, calibration.cosines[policy], calibration.probability(cosine))
