"""Fit what the manifest calls measured constants. `python -m bench.calibrate DATA`; prints JSON to put there.

expression: what the logits of the sentiments, by either network, are divided by, so that their probabilities are as
often right as they say, on the part of FER2013's training set that is held out for it.
age_gender: the same for the logits of age and of gender, on the part of FairFace's training photos that is held out.
matching: the cosines that shares of LFW's non-mated pairs reach, and the logistic between cosine and probability.
min_quality: the quality below which fewer than half of LFW's mated pairs match at the default policy, when one photo is
made smaller, blurred or dark at random.
live_score: the score that one in ten live people of every second photo of `news` falls below.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.labelled import (
    Part,
    embed_all,
    expressions,
    fer2013_training,
    lfw_person,
    main_detection,
    main_face,
    pairs,
    part_of,
    people,
    read_analysis,
    read_image,
)
from mien import settings
from mien.domain.face_filter import FaceFilter
from mien.domain.faces import Gender, Sentiment
from mien.domain.gallery import DEFAULT_MATCH_POLICY
from mien.domain.matching import compare
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.chips import FaceChips
from mien.vision.decode import Image
from mien.vision.embedder import FaceEmbedder
from mien.vision.engine import ModelFolder, softmax
from mien.vision.face_network import FaceNetwork

REFUSED_LIVE = 0.10
POLICIES = (2, 3, 4, 5)
NEWTON_STEPS = 25


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    parser.add_argument("--only", choices=sorted(FITS), help="fit one alone")
    options = parser.parse_args()
    data, only = options.data, options.only
    analyse = AnalyseImage.load(settings.models_folder(), settings.threads())
    print(json.dumps({name: fit(analyse, data) for name, fit in FITS.items() if only in (None, name)}))


def age_gender(analyse: AnalyseImage, data: Path) -> dict[str, float]:
    bands = analyse.looks.age_bands
    ages, genders, truth = [], [], []
    for row, person in enumerate(people(data, "fairface_train")):
        image = read_image(person.photo)
        face = main_detection(analyse, image) if part_of(row) is Part.CALIBRATION else None
        if face is not None:
            raw = analyse.looks.raw(FaceChips(image, [face]))
            ages.append(raw.ages[0])
            genders.append(raw.genders[0])
            truth.append((bands.index(person.band[0]), list(Gender).index(person.gender)))
    band, gender = np.array(truth).T
    return {
        "age_temperature": round(fit_temperature(np.array(ages), band), 2),
        "gender_temperature": round(fit_temperature(np.array(genders), gender), 2),
    }


def live_score(analyse: AnalyseImage, data: Path) -> float:
    photos = [row.photo for row in expressions(data, "news")][::2]
    faces = [main_face(read_analysis(analyse, photo)) for photo in photos]
    scores = [face.liveness.score for face in faces if face is not None]
    return round(float(np.quantile(scores, REFUSED_LIVE)), 3)


def expression(analyse: AnalyseImage, data: Path) -> dict[str, float]:
    ours, theirs, truth = [], [], []
    for row, (image, sentiment) in enumerate(fer2013_training(data)):
        face = main_detection(analyse, image) if part_of(row) is Part.CALIBRATION else None
        if face is not None:
            (our,), (their,) = analyse.expression.logits(FaceChips(image, [face]))
            ours.append(our)
            theirs.append(their)
            truth.append(list(Sentiment).index(sentiment))
    return {
        "sentiment_temperature": round(fit_temperature(np.array(ours), np.array(truth)), 2),
        "faceapi_temperature": round(fit_temperature(np.array(theirs), np.array(truth)), 2),
    }


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature, of a fine grid from 0.25 to 16, at which the truth is least surprising."""

    def surprise(candidate: float) -> float:
        chosen = softmax(logits / np.float32(candidate))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(min(np.geomspace(0.25, 16, 241), key=surprise))


def matching(analyse: AnalyseImage, data: Path) -> dict[str, Any]:
    models = ModelFolder.open(settings.models_folder(), settings.threads())
    network = FaceNetwork(models.engine("embedding"))
    listed = (photo for pair in pairs(data) for photo in (pair.first, pair.second))
    vectors = embed_all(analyse, listed, lambda image, face: network.run(FaceChips(image, [face]))[0][0])
    photos = list(vectors)
    unit = np.stack(list(vectors.values()))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    people_of = np.array([lfw_person(photo) for photo in photos])
    rows, columns = np.triu_indices(len(photos), 1)
    cosines, mated = (unit @ unit.T)[rows, columns], people_of[rows] == people_of[columns]
    non_mated = cosines[~mated]
    slope, intercept = fit_logistic(cosines, mated)
    return {
        "data": "LFW, folds 1 to 3",
        "non_mated_pairs": len(non_mated),
        "cosines": {f"fmr_1e-{n}": round(float(np.quantile(non_mated, 1 - 10.0**-n)), 4) for n in POLICIES},
        "slope": round(slope, 3),
        "intercept": round(intercept, 3),
    }


def min_quality(analyse: AnalyseImage, data: Path) -> float:
    embedder = FaceEmbedder.of(ModelFolder.open(settings.models_folder(), settings.threads()))
    rng = np.random.default_rng(0)
    qualities, matched = [], []
    for pair in track([pair for pair in pairs(data) if pair.mated], "Degrading", transient=True):
        image = read_image(pair.second)
        intact = main_detection(analyse, image)
        degraded = degrade(read_image(pair.first), rng)
        faces = analyse.find(degraded, FaceFilter())
        if intact is None or len(faces) != 1:
            continue
        (face,) = analyse.describe(degraded, faces)
        (one,), (other,) = embedder.embed(degraded, faces), embedder.embed(image, [intact])
        qualities.append(face.quality.score)
        matched.append(compare(one, other, embedder.calibration, DEFAULT_MATCH_POLICY).is_match)
    return round(fit_half(np.array(qualities), np.array(matched)), 2)


def degrade(image: Image, rng: np.random.Generator) -> Image:
    """Smaller, blurred, or dark and noisy."""
    kind = rng.integers(3)
    if kind == 0:
        factor = rng.uniform(0.1, 0.5)
        return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    if kind == 1:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 6))
    dark = image * rng.uniform(0.03, 0.4) + rng.normal(0, 3, image.shape)
    return np.clip(dark, 0, 255).astype(np.uint8)


def fit_half(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Where the logistic of the scores passes one half."""
    slope, intercept = fit_logistic(scores, positive, balanced=False)
    return -intercept / slope


def fit_logistic(
    scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_], balanced: bool = True
) -> tuple[float, float]:
    """Slope and intercept of P(positive | score), when both classes weigh alike or as they come; Newton's method."""
    x = np.stack([scores, np.ones_like(scores)], axis=1).astype(np.float64)
    share = positive.mean() if balanced else 0.5
    weights = np.where(positive, 0.5 / share, 0.5 / (1 - share))
    beta = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(x @ beta)))
        gradient = x.T @ (weights * (positive - p))
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x
        beta += np.linalg.solve(curvature, gradient)
    return float(beta[0]), float(beta[1])


FITS: dict[str, Callable[[AnalyseImage, Path], Any]] = {
    "expression": expression,
    "age_gender": age_gender,
    "live_score": live_score,
    "matching": matching,
    "min_quality": min_quality,
}


if __name__ == "__main__":
    main()
