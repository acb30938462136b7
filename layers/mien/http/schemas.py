"""The bodies of successful answers. A superset of ARSA's generations: both names of a thing, nothing renamed.

What `Annotated` adds to a type are keywords of JSON Schema, for the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Generic, Literal, NotRequired, TypedDict, TypeVar

from mien.domain.errors import ImageError, UndecodableImage
from mien.domain.faces import Emotion, Expression, Face, Gender, ImageAnalysis, Sentiment
from mien.domain.gallery import UNKNOWN, Subject
from mien.domain.geometry import BoundingBox, ImageSize
from mien.http.errors import entry_for

if TYPE_CHECKING:  # a function loads what it uses, and no function uses all of them
    from mien.domain.matching import MatchCalibration
    from mien.usecases.detect_emotion import FaceEmotion
    from mien.usecases.enrol import Enrolment, RejectedPhoto
    from mien.usecases.recognise import RecognisedFace, Recognition
    from mien.usecases.validate_faces import Validation

_PROBABILITY_DIGITS = 6


Probability = Annotated[float, {"minimum": 0, "maximum": 1}]
Share = Annotated[float, {"minimum": 0, "maximum": 1}]
Count = Annotated[int, {"minimum": 0}]
Milliseconds = Annotated[float, {"minimum": 0}]
PixelBox = Annotated[list[int], {"minItems": 4, "maxItems": 4, "description": "x1, y1, x2, y2 in pixels."}]
Point = Annotated[list[float], {"minItems": 2, "maxItems": 2, "description": "x and y in pixels."}]
Success = Literal["success"]


class NormalisedBox(TypedDict):
    """0-1 of the image's width and height."""

    x1: Share
    y1: Share
    x2: Share
    y2: Share


class AgeRange(TypedDict):
    """Years; meant to hold four true ages of five."""

    low: float
    high: float


class EmotionBody(TypedDict):
    """SmartClick's seven, summing to one, and the highest of them."""

    value: Sentiment
    probability: Probability
    sentiments: dict[Sentiment, Probability]


class PassiveLiveness(TypedDict):
    """One score under both of ARSA's names; 1 is live."""

    is_real_face: bool
    antispoof_score: Probability
    liveness_probability: Probability


class LandmarksBody(TypedDict):
    """Pixels of the upright image; right and left are the person's own."""

    right_eye: Point
    left_eye: Point
    nose_tip: Point
    right_mouth: Point
    left_mouth: Point


class Pose(TypedDict):
    """Degrees."""

    yaw: float
    pitch: float
    roll: float


class QualityBody(TypedDict):
    """0-1, and pixels."""

    score: Share
    sharpness: Share
    brightness: Share
    face_size_px: Count


class FaceBody(TypedDict):
    """One face. What is not required is left out where it is switched off for the key."""

    bounding_box: PixelBox
    bbox: NormalisedBox
    detection_probability: Probability
    age: NotRequired[float]
    age_range: NotRequired[AgeRange]
    may_be_minor: NotRequired[bool]
    gender: NotRequired[Gender]
    gender_probability: NotRequired[Probability]
    expression: NotRequired[Expression]
    expression_probability: NotRequired[Probability]
    emotion: NotRequired[EmotionBody]
    passive_liveness: PassiveLiveness
    landmarks: LandmarksBody
    pose: Pose
    quality: QualityBody


class LivenessFaceBody(FaceBody):
    """One face, as /face_liveness has it."""

    is_real_face: bool
    liveness_confidence: Probability
    liveness_status: Literal["real", "spoof"]


class CandidateBody(TypedDict):
    """Somebody the face is taken for as well."""

    uid: str
    confidence: Probability


class RecognisedFaceBody(FaceBody):
    """One face, as /recognize_face has it. The confidence is the best candidate's, also when it is too low to match."""

    recognition_uidresult: str
    recognition_confidence: Probability
    recognition_otheruids: list[CandidateBody]


class ImageBody(TypedDict):
    """Pixels of the upright image."""

    width: int
    height: int


FaceT = TypeVar("FaceT", FaceBody, LivenessFaceBody, RecognisedFaceBody)


class Envelope(TypedDict, Generic[FaceT]):
    """What every answer about the faces of one image has; the largest face is first."""

    status: Success
    face_count: Count
    faces: list[FaceT]
    image: ImageBody
    latency_ms: Milliseconds
    request_id: str


class ValidationBody(TypedDict):
    """Two faces compared. The score and the threshold are probabilities of being one person."""

    status: Success
    match_result: bool
    similarity_score: Probability
    threshold: Probability
    face1_analysis: FaceBody
    face2_analysis: FaceBody
    latency_ms: Milliseconds
    request_id: str


class Rectangle(TypedDict):
    """Pixels of the upright image."""

    left: float
    top: float
    right: float
    bottom: float


class EmotionItem(TypedDict):
    """One face, as SmartClick has it: how surely it is one, where, and what it expresses."""

    probability: Probability
    rectangle: Rectangle
    emotion: EmotionBody


class RejectedImageBody(TypedDict):
    """An image that gave no reference, by its place among those sent; the reason is an error code."""

    index: Count
    reason: str


class EnrolmentBody(TypedDict):
    """What became of a registration or update."""

    status: Success
    message: str
    face_uid: str
    face_ids: list[str]
    num_of_faces: Count
    rejected_images: list[RejectedImageBody]


class DeletionBody(TypedDict):
    """What was deleted."""

    status: Success
    face_uid: str
    deleted_faces: Count


class SubjectBody(TypedDict):
    """One person of a collection."""

    face_uid: str
    faces: Count
    created_at: Annotated[str, {"format": "date-time"}]
    metadata: str | None


class ListingBody(TypedDict):
    """A page of a collection. `num_of_faces` counts all of it."""

    status: Success
    num_of_faces: Count
    faces_list: list[SubjectBody]
    next_token: str | None


def analytics_body(analysis: ImageAnalysis, latency_ms: float, request_id: str) -> Envelope[FaceBody]:
    """The answer of /face_analytics."""
    faces = [face_body(face, analysis.size) for face in analysis.faces]
    return _envelope(analysis.size, faces, latency_ms, request_id)


def liveness_body(analysis: ImageAnalysis, latency_ms: float, request_id: str) -> Envelope[LivenessFaceBody]:
    """The answer of /face_liveness."""
    faces = [_liveness_face_body(face, analysis.size) for face in analysis.faces]
    return _envelope(analysis.size, faces, latency_ms, request_id)


def emotion_body(faces: Sequence[FaceEmotion]) -> list[EmotionItem]:
    """The answer of /emotion-detection: a bare array."""
    return [
        EmotionItem(
            probability=_probability(face.face.probability),
            rectangle=Rectangle(
                left=face.face.box.x1, top=face.face.box.y1, right=face.face.box.x2, bottom=face.face.box.y2
            ),
            emotion=_emotion_body(face.emotion),
        )
        for face in faces
    ]


def recognition_body(recognition: Recognition, latency_ms: float, request_id: str) -> Envelope[RecognisedFaceBody]:
    """The answer of /face_recognition/recognize_face."""
    faces = [_recognised_face_body(face, recognition) for face in recognition.faces]
    return _envelope(recognition.size, faces, latency_ms, request_id)


def enrolment_body(enrolment: Enrolment) -> EnrolmentBody:
    """The answer of /face_recognition/register_face and /update_face."""
    subject, rejected = enrolment.subject, enrolment.rejected
    count = len(subject.face_ids)
    message = f"{count} {'photo' if count == 1 else 'photos'} enrolled as {subject.uid}"
    return EnrolmentBody(
        status="success",
        message=f"{message}, {len(rejected)} rejected." if rejected else f"{message}.",
        face_uid=subject.uid,
        face_ids=list(subject.face_ids),
        num_of_faces=count,
        rejected_images=[RejectedImageBody(index=photo.index, reason=rejection_reason(photo)) for photo in rejected],
    )


def rejection_reason(photo: RejectedPhoto) -> str:
    """The error code; of all that can be wrong with an image file, undecodable_image."""
    error = UndecodableImage() if isinstance(photo.error, ImageError) else photo.error
    return entry_for(error).code


def subject_body(subject: Subject) -> SubjectBody:
    """One row of /face_recognition/view_db."""
    return SubjectBody(
        face_uid=subject.uid,
        faces=len(subject.face_ids),
        created_at=subject.created_at.isoformat(timespec="seconds"),
        metadata=subject.metadata,
    )


def validation_body(
    validation: Validation, calibration: MatchCalibration, latency_ms: float, request_id: str
) -> ValidationBody:
    """The answer of /face_recognition/validate_faces."""
    comparison = validation.comparison
    return ValidationBody(
        status="success",
        match_result=comparison.is_match,
        similarity_score=_probability(comparison.probability),
        threshold=_probability(calibration.probability(comparison.threshold)),
        face1_analysis=face_body(validation.first.face, validation.first.size),
        face2_analysis=face_body(validation.second.face, validation.second.size),
        latency_ms=round(latency_ms, 2),
        request_id=request_id,
    )


def face_body(face: Face, size: ImageSize) -> FaceBody:
    """One face on the wire."""
    x1, y1, x2, y2 = pixels = whole_pixels(face.detection.box, size)
    landmarks = face.detection.landmarks
    expressions = face.emotion.expressions
    expression = max(expressions, key=expressions.__getitem__)
    live_score = _probability(face.liveness.score)
    return FaceBody(
        bounding_box=pixels,
        bbox=NormalisedBox(
            x1=_probability(x1 / size.width),
            y1=_probability(y1 / size.height),
            x2=_probability(x2 / size.width),
            y2=_probability(y2 / size.height),
        ),
        detection_probability=_probability(face.detection.probability),
        age=round(face.age.years, 1),
        age_range=AgeRange(low=round(face.age.low, 1), high=round(face.age.high, 1)),
        may_be_minor=face.age.may_be_minor,
        gender=face.gender.value,
        gender_probability=_probability(face.gender.probability),
        expression=expression,
        expression_probability=_probability(expressions[expression]),
        emotion=_emotion_body(face.emotion),
        passive_liveness=PassiveLiveness(
            is_real_face=face.liveness.is_live, antispoof_score=live_score, liveness_probability=live_score
        ),
        landmarks=LandmarksBody(
            right_eye=_point(landmarks.right_eye),
            left_eye=_point(landmarks.left_eye),
            nose_tip=_point(landmarks.nose_tip),
            right_mouth=_point(landmarks.right_mouth),
            left_mouth=_point(landmarks.left_mouth),
        ),
        pose=Pose(yaw=round(face.pose.yaw, 1), pitch=round(face.pose.pitch, 1), roll=round(face.pose.roll, 1)),
        quality=QualityBody(
            score=round(face.quality.score, 3),
            sharpness=round(face.quality.sharpness, 3),
            brightness=round(face.quality.brightness, 3),
            face_size_px=face.quality.face_size_px,
        ),
    )


def whole_pixels(box: BoundingBox, size: ImageSize) -> list[int]:
    """The box as [x1, y1, x2, y2], rounded, inside the image and never empty."""
    x1, y1 = min(round(box.x1), size.width - 1), min(round(box.y1), size.height - 1)
    return [x1, y1, max(round(box.x2), x1 + 1), max(round(box.y2), y1 + 1)]


def _liveness_face_body(face: Face, size: ImageSize) -> LivenessFaceBody:
    return LivenessFaceBody(
        **face_body(face, size),
        is_real_face=face.liveness.is_live,
        liveness_confidence=_probability(face.liveness.score),
        liveness_status="real" if face.liveness.is_live else "spoof",
    )


def _emotion_body(emotion: Emotion) -> EmotionBody:
    return EmotionBody(
        value=emotion.value,
        probability=_probability(emotion.probability),
        sentiments={word: _probability(p) for word, p in emotion.sentiments.items()},
    )


def _recognised_face_body(face: RecognisedFace, recognition: Recognition) -> RecognisedFaceBody:
    best = face.candidates[0] if face.candidates else None
    return RecognisedFaceBody(
        **face_body(face.face, recognition.size),
        recognition_uidresult=face.matches[0].uid if face.matches else UNKNOWN,
        recognition_confidence=_probability(recognition.probability(best)) if best else 0.0,
        recognition_otheruids=[
            CandidateBody(uid=other.uid, confidence=_probability(recognition.probability(other)))
            for other in face.matches[1:]
        ],
    )


def _envelope(size: ImageSize, faces: list[FaceT], latency_ms: float, request_id: str) -> Envelope[FaceT]:
    return Envelope(
        status="success",
        face_count=len(faces),
        faces=faces,
        image=ImageBody(width=size.width, height=size.height),
        latency_ms=round(latency_ms, 2),
        request_id=request_id,
    )


def _probability(value: float) -> float:
    return round(value, _PROBABILITY_DIGITS)


def _point(point: tuple[float, float]) -> list[float]:
    return [round(point[0], 1), round(point[1], 1)]
