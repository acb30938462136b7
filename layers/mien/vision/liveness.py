"""Passive presentation-attack detection: is this a person before the camera, or a print or a screen?"""

from __future__ import annotations

from mien.domain.faces import Liveness
from mien.vision.chips import FaceChips
from mien.vision.engine import Engine, softmax
from mien.vision.face_network import FaceNetwork

_LIVE_CLASS = 0


class LivenessScorer:
    """Scores faces from 0, an attack, to 1, live."""

    def __init__(self, engine: Engine) -> None:
        self._network = FaceNetwork(engine)
        self._threshold = engine.spec.operating_point("live_score")

    def score(self, seen: FaceChips) -> list[Liveness]:
        """One score for each face; at least one face."""
        (logits,) = self._network.run(seen)
        scores = softmax(logits)[:, _LIVE_CLASS].tolist()
        return [Liveness(score=score, is_live=score >= self._threshold) for score in scores]
