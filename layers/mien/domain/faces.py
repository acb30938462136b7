"""What is known of a face: frozen values, in pixels of the upright image, degrees, years and 0-1 scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mien.domain.geometry import BoundingBox, ImageSize, Landmarks5

ADULT_YEARS = 18


class Sentiment(StrEnum):
    """The seven sentiments, in SmartClick's words and order."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


class Expression(StrEnum):
    """The five expressions, in ARSA's words."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    ANGER = "anger"


EXPRESSION_OF_SENTIMENT = {
    Sentiment.NEUTRAL: Expression.NEUTRAL,
    Sentiment.HAPPY: Expression.HAPPY,
    Sentiment.SAD: Expression.SAD,
    Sentiment.SURPRISE: Expression.SURPRISE,
    Sentiment.ANGRY: Expression.ANGER,
}


class Gender(StrEnum):
    """Perceived gender."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """Where a face is. `probability` is the detector's own score, 0-1."""

    box: BoundingBox
    landmarks: Landmarks5
    probability: float

    def scaled(self, x: float, y: float) -> DetectedFace:
        """The same face of an image that is so many times as wide and high."""
        return DetectedFace(self.box.scaled(x, y), self.landmarks.scaled(x, y), self.probability)


@dataclass(frozen=True, slots=True)
class Emotion:
    """A probability for each of the seven sentiments; they sum to one."""

    sentiments: dict[Sentiment, float]

    @property
    def value(self) -> Sentiment:
        return max(self.sentiments, key=self.sentiments.__getitem__)

    @property
    def probability(self) -> float:
        return self.sentiments[self.value]

    @property
    def expressions(self) -> dict[Expression, float]:
        """The five expressions: fear and disgust dropped, the rest rescaled to sum to one."""
        kept = {five: self.sentiments[seven] for seven, five in EXPRESSION_OF_SENTIMENT.items()}
        total = sum(kept.values())
        if total <= 0.0:
            return {five: 1 / len(kept) for five in kept}
        return {five: p / total for five, p in kept.items()}


@dataclass(frozen=True, slots=True)
class Age:
    """Apparent age in years; low to high is meant to hold four true ages of five."""

    years: float
    low: float
    high: float

    @property
    def may_be_minor(self) -> bool:
        """Whether one in ten, or more, of those who look like this are under 18."""
        return self.low < ADULT_YEARS


@dataclass(frozen=True, slots=True)
class GenderEstimate:
    """Perceived gender and its probability, 0.5-1."""

    value: Gender
    probability: float


@dataclass(frozen=True, slots=True)
class Liveness:
    """Passive presentation-attack detection: `score` is 0-1, 1 is a live person before the camera."""

    score: float
    is_live: bool


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees. Yaw > 0: the subject turns to their own left. Pitch > 0: looks up.
    Roll > 0: the head tilts clockwise as seen in the image.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Fitness of the face for recognition. All but the size are 0-1; the size is in pixels."""

    score: float
    sharpness: float
    brightness: float
    face_size_px: int


@dataclass(frozen=True, slots=True)
class Face:
    """One analysed face."""

    detection: DetectedFace
    age: Age
    gender: GenderEstimate
    emotion: Emotion
    liveness: Liveness
    pose: HeadPose
    quality: Quality

    def scaled(self, x: float, y: float) -> Face:
        """The same face of an image that is so many times as wide and high; it is no better for that."""
        detection = self.detection.scaled(x, y)
        size = round(min(detection.box.width, detection.box.height))
        return replace(self, detection=detection, quality=replace(self.quality, face_size_px=size))


@dataclass(frozen=True, slots=True)
class ImageAnalysis:
    """The faces of one image, largest first, the size of the upright image they are in, and how many milliseconds the
    stages took.
    """

    size: ImageSize
    faces: tuple[Face, ...]
    times: Mapping[str, float] = field(default_factory=dict, compare=False)
