"""What is written beside a photo that was uploaded: the same faces as the API answers, or the same error."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from mien.domain.errors import FeatureDisabled, InvalidParameter, MienError
from mien.domain.face_filter import FaceFilter
from mien.domain.gallery import GalleryId
from mien.domain.plans import Feature
from mien.domain.uploads import Task, TaskKind, Upload
from mien.http.errors import error_body
from mien.http.features import leave_out
from mien.http.schemas import analytics_body, emotion_body, recognition_body
from mien.usecases.detect_emotion import DetectEmotion
from mien.usecases.receive_photo import Answers
from mien.usecases.recognise import Recognise
from mien.usecases.stopwatch import Stopwatch

Body = dict[str, Any]

_NEEDED = {TaskKind.EMOTION: Feature.EMOTION, TaskKind.RECOGNISE: Feature.IDENTIFICATION}
"""Without which nothing would be left of a task."""


@dataclass(frozen=True, slots=True)
class UploadAnswers:
    """Does what an upload asks for, by the networks that answer the API."""

    recognise: Recognise

    def answers(self) -> Answers:
        """For the use case that takes photos in."""
        return Answers(self.success, self.error)

    def success(self, upload: Upload, data: bytes) -> Body:
        """The answer to a photo.

        Raises:
            ImageError: the photo is of another kind, too large, or cannot be decoded.
            InvalidParameter: the task names a policy that there is not.
            FeatureDisabled: the task is switched off for whoever pays.
            ServiceError: a gallery cannot be read.

        """
        task, without = upload.task or Task(), upload.payer.without
        if _NEEDED.get(task.kind) in without:
            raise FeatureDisabled(f"This key does not have {_NEEDED[task.kind]}.")
        answer = {
            TaskKind.ANALYSE: self._analyse,
            TaskKind.EMOTION: self._emotion,
            TaskKind.RECOGNISE: self._recognise,
        }[task.kind]
        body: Body = leave_out(answer(upload, task, data), without)
        return body

    def error(self, upload: Upload, error: MienError) -> Body:
        """The contract's error body, under the upload's id."""
        return {**error_body(error, upload.id)}

    def _analyse(self, upload: Upload, _: Task, data: bytes) -> Body:
        start, analyse = perf_counter(), self.recognise.reader.analyse
        body = analytics_body(analyse(data, FaceFilter()), _since(start), upload.id)
        return {**body, "models": analyse.models}

    def _emotion(self, upload: Upload, _: Task, data: bytes) -> Body:
        detect_emotion = DetectEmotion.sharing(self.recognise.reader.analyse)
        faces = emotion_body(detect_emotion(data, FaceFilter(), Stopwatch()))
        return {
            "status": "success",
            "face_count": len(faces),
            "faces": faces,
            "request_id": upload.id,
            "models": detect_emotion.models,
        }

    def _recognise(self, upload: Upload, task: Task, data: bytes) -> Body:
        start, reader = perf_counter(), self.recognise.reader
        policies = reader.embedder.calibration.cosines
        if task.match_policy not in policies:
            raise InvalidParameter(f"match_policy must be one of {', '.join(policies)}.")
        gallery = GalleryId(upload.tenant, task.collection)
        recognition = self.recognise(data, FaceFilter(), gallery, task.match_policy)
        return {**recognition_body(recognition, _since(start), upload.id), "models": reader.models}


def _since(start: float) -> float:
    return (perf_counter() - start) * 1000
