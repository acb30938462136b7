"""Fit what the manifest calls measured constants. `python -m bench.calibrate DATA`; prints JSON to put there.

age_curve: for what the network says, the median true age and the range that holds 80 % of true ages, on
fairface_train, where each band is spread evenly over its years and bands weigh alike.
live_score: the score that one in ten live people of every second photo of `news` falls below.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.labelled import expressions, main_face, people, read_analysis
from mien import settings
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.decode import decode

KNOTS = 12
REFUSED_LIVE = 0.10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    data = parser.parse_args().data
    analyse = AnalyseImage.load(settings.models_folder(), settings.threads())
    fitted = {"age_curve": age_curve(analyse, data), "live_score": live_score(analyse, data)}
    print(json.dumps(fitted))


def age_curve(analyse: AnalyseImage, data: Path) -> list[list[float]]:
    said, ages = [], []
    rng = np.random.default_rng(0)
    for person in people(data, "fairface_train"):
        image = decode(person.photo.read_bytes())
        faces = analyse.detector.detect(image)
        if faces:
            said.append(analyse.age_gender.raw_ages(image, faces[:1])[0])
            ages.append(rng.uniform(*person.band))
    return fit_curve(np.array(said), np.array(ages))


def fit_curve(said: NDArray[np.float64], ages: NDArray[np.float64]) -> list[list[float]]:
    """Knots at evenly spread quantiles of what was said; at each, quantiles of the true ages of its neighbours."""
    order = np.argsort(said)
    said, ages = said[order], ages[order]
    width = len(said) // KNOTS
    centres = np.linspace(width // 2, len(said) - width // 2 - 1, KNOTS).astype(int)
    rows = []
    for centre in centres:
        near = ages[max(centre - width // 2, 0) : centre + width // 2]
        rows.append([said[centre], *np.quantile(near, [0.5, 0.1, 0.9])])
    curve = np.maximum.accumulate(np.array(rows), axis=0)
    return [[round(float(value), 2) for value in row] for row in curve]


def live_score(analyse: AnalyseImage, data: Path) -> float:
    photos = [row.photo for row in expressions(data, "news")][::2]
    faces = [main_face(read_analysis(analyse, photo)) for photo in photos]
    scores = [face.liveness.score for face in faces if face is not None]
    return round(float(np.quantile(scores, REFUSED_LIVE)), 3)


if __name__ == "__main__":
    main()
