"""How right: every task through the product's own code, from file to answer. `python -m bench.accuracy DATA`.

DATA is a folder of labelled photos (docs/contributing.md says which). Prints a table with 95 % intervals and writes
bench/results/accuracy.json, which the model cards read. Nothing here is fitted; see bench/calibrate.py for that.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.labelled import (
    Labelled,
    Pair,
    boxes,
    embed_all,
    expressions,
    lfw_person,
    main_detection,
    main_face,
    pairs,
    people,
    pose_of,
    read_analysis,
    read_image,
    strangers,
)
from mien import settings
from mien.cli.sample_photos import PORTRAITS, fitted, head
from mien.domain.face_index import Candidate, FaceIndex
from mien.domain.faces import Face, Sentiment
from mien.domain.gallery import Templates
from mien.domain.geometry import BoundingBox
from mien.domain.matching import Embedding
from mien.domain.templates import pack, vectors
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.decode import Image
from mien.vision.embedder import FaceEmbedder
from mien.vision.engine import ModelFolder
from models.builder.figures import TAKEN_FOR, confusions, is_confusion

LFW = "LFW, folds 1 to 3"
RESULTS = Path(__file__).with_name("results") / "accuracy.json"

Z = 1.96  # 95 % of a normal distribution
SIZES = ((0, 16), (16, 24), (24, 64), (64, 10_000))
MATCHING_IOU = 0.4
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Figure:
    """One measured number with its 95 % interval."""

    task: str
    measure: str
    data: str
    value: float
    low: float
    high: float
    count: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of labelled photos")
    parser.add_argument("--only", choices=sorted(MEASURES), help="measure one task alone")
    options = parser.parse_args()
    analyse = AnalyseImage.load(settings.models_folder(), settings.threads())
    tasks = [options.only] if options.only else list(MEASURES)
    figures = [asdict(figure) for task in tasks for figure in MEASURES[task](analyse, options.data)]
    _print(figures)
    kept = [] if not RESULTS.exists() else [f for f in json.loads(RESULTS.read_text()) if f["task"] not in tasks]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept + figures, indent=1) + "\n")


def detection(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    found: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for photo, truth in boxes(data):
        detected = [face.box for face in analyse.detector.detect(read_image(photo))]
        for box in truth:
            size = next(s for s in SIZES if s[0] <= max(box.width, box.height) < s[1])
            found[size].append(any(_iou(box, other) > MATCHING_IOU for other in detected))
    for (low, high), hits in sorted(found.items()):
        label = f"recall, faces of {low} to {high} px" if high < SIZES[-1][1] else f"recall, faces over {low} px"
        yield _share("detection", label, "crowds", hits)
    for share, width, label in (
        (1.0, 1920, "as they are"),
        (0.5, 1920, "at half their size"),
        (0.75, 640, "in 640×480"),
    ):
        photos = (beside_a_portrait(read_image(photo), i, share, width) for i, (photo, _) in enumerate(boxes(data)))
        beside = [hit for photo in photos for hit in _glanced(analyse, photo)]
        yield _share("detection", f"faces beside a portrait, {label}, of those a fine look finds", "crowds", beside)
    hits = [bool(analyse.detector.detect(read_image(photo))) for photo in strangers(data)]
    yield _share("detection", "photos without faces hit", "no_face", hits)


def _glanced(analyse: AnalyseImage, image: Image) -> list[bool]:
    """Of each face that a fine look finds in an image, whether it is found."""
    found = [face.box for face in analyse.detector.detect(image)]
    truth = [face.box for face in analyse.detector.detect(image, may_glance=False)]
    return [any(_iou(box, other) > MATCHING_IOU for other in found) for box in truth]


def beside_a_portrait(image: Image, index: int, share: float, width: int) -> Image:
    """One of the portraits, which fills most of the frame, with another photo at this share of its size beside it; then
    all brought to this width.
    """
    canvas = np.full((1440, 1920, 3), 90, np.uint8)
    canvas[:, :1200] = fitted(head(PORTRAITS[index % len(PORTRAITS)]), 1200, 1440)
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)[:1140, :720]
    canvas[300 : 300 + small.shape[0], 1200 : 1200 + small.shape[1]] = small
    return cv2.resize(canvas, (width, width * 3 // 4), interpolation=cv2.INTER_AREA)


def age_gender(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    rows = [(row, face) for row in people(data, "fairface") if (face := _face(analyse, row)) is not None]
    errors = np.array([abs(face.age.years - row.years) for row, face in rows])
    yield _mean("age_gender", "age, mean absolute error, years", "fairface", errors)
    outside = [max(row.band[0] - face.age.years, face.age.years - row.band[1], 0.0) for row, face in rows]
    yield _mean("age_gender", "age, mean distance to the true band, years", "fairface", np.array(outside))
    for band in sorted({row.band for row, _ in rows}):
        part = np.array([abs(f.age.years - r.years) for r, f in rows if r.band == band])
        yield _mean("age_gender", f"age, mean absolute error, aged {band[0]} to {band[1] - 1}", "fairface", part)
    for group in sorted({row.group for row, _ in rows}):
        part = np.array([abs(f.age.years - r.years) for r, f in rows if r.group == group])
        yield _mean("age_gender", f"age, mean absolute error, {group}", "fairface", part)
    covered = [face.age.low <= row.band[1] and face.age.high >= row.band[0] for row, face in rows]
    yield _share("age_gender", "age range meets the true band", "fairface", covered)
    held = [max(min(f.age.high, r.band[1]) - max(f.age.low, r.band[0]), 0) / (r.band[1] - r.band[0]) for r, f in rows]
    yield _mean("age_gender", "age range holds, of the true band's years", "fairface", np.array(held))
    yield _mean(
        "age_gender", "age range, width in years", "fairface", np.array([f.age.high - f.age.low for _, f in rows])
    )
    yield _share("age_gender", "gender", "fairface", [face.gender.value == row.gender for row, face in rows])
    for group in sorted({row.group for row, _ in rows}):
        right = [face.gender.value == row.gender for row, face in rows if row.group == group]
        yield _share("age_gender", f"gender, {group}", "fairface", right)
    for band in sorted({row.band for row, _ in rows}):
        right = [face.gender.value == row.gender for row, face in rows if row.band == band]
        yield _share("age_gender", f"gender, aged {band[0]} to {band[1] - 1}", "fairface", right)
    scores = [face.gender.probability for _, face in rows]
    yield _calibration(
        "age_gender", "gender, calibration error", "fairface", scores, [f.gender.value == r.gender for r, f in rows]
    )


def expression(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    for source in ("fer2013_validation", "news"):
        photos = list(expressions(data, source))
        rows = [(row, face) for row in photos if (face := _face(analyse, row)) is not None]
        yield _share("expression", "face found", source, [True] * len(rows) + [False] * (len(photos) - len(rows)))
        named: dict[Sentiment, list[Sentiment]] = defaultdict(list)
        for row, face in rows:
            named[row.sentiment].append(face.emotion.value)
        by_class = {label: [value is label for value in values] for label, values in named.items()}
        yield _balanced("expression", "accuracy, class-balanced", source, by_class)
        yield _share("expression", "accuracy", source, [right for part in by_class.values() for right in part])
        for sentiment, right in by_class.items():
            yield _share("expression", f"recall, {sentiment.value}", source, right)
        for label, value in permutations((sentiment for sentiment in Sentiment if sentiment in named), 2):
            taken = [each is value for each in named[label]]
            yield _share("expression", f"{label.value}{TAKEN_FOR}{value.value}", source, taken)
        scores = [face.emotion.probability for _, face in rows]
        right = [face.emotion.value == row.sentiment for row, face in rows]
        yield _calibration("expression", "calibration error", source, scores, right)


def liveness(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    """Only half of the story: there are no labelled attacks in DATA, so APCER is not measured.

    On the photos of `news` that the threshold was not fitted on, and on LFW's, which were scaled and compressed again.
    """
    photos = list(expressions(data, "news"))[1::2]
    faces = [face for row in photos if (face := _face(analyse, row)) is not None]
    refused = [not face.liveness.is_live for face in faces]
    yield _share("liveness", "live people refused (BPCER)", "news, every second", refused)
    archive = sorted({photo for pair in pairs(data) for photo in (pair.first, pair.second)})[::3]
    faces = [face for photo in archive if (face := main_face(read_analysis(analyse, photo))) is not None]
    refused = [not face.liveness.is_live for face in faces]
    yield _share("liveness", "live people refused (BPCER)", f"{LFW}, every third photo", refused)


def embedding(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    """One photo against another, as it is, packed as galleries keep it, and tilted; and one against a gallery."""
    embedder = FaceEmbedder.of(ModelFolder.open(settings.models_folder(), settings.threads()))
    rows = pairs(data)
    photos = [photo for row in rows for photo in (row.first, row.second)]
    embedded = embed_all(analyse, photos, lambda image, face: embedder.embed(image, [face])[0])
    cosines = np.array([embedded[row.first].cosine(embedded[row.second]) for row in rows])
    yield from _verification("", rows, cosines)
    mated = np.array([row.mated for row in rows])
    for policy, threshold in embedder.calibration.cosines.items():
        yield _share("embedding", f"TMR at {policy} of all pairs", LFW, (cosines[mated] >= threshold).tolist())
    scores = [embedder.calibration.probability(float(cosine)) for cosine in cosines]
    decided = [(score >= 0.5) == bool(truth) for score, truth in zip(scores, mated, strict=True)]
    yield _calibration("embedding", "calibration error", LFW, [max(score, 1 - score) for score in scores], decided)

    packed = {photo: vectors(pack([e]), embedder.dimensions)[0] for photo, e in embedded.items()}
    cosines = np.array([float(embedded[row.first].vector @ packed[row.second]) for row in rows])
    yield from _verification(", one face packed", rows, cosines)

    tilted = embed_all(analyse, photos, lambda image, face: embedder.embed(image, [face])[0], tilt)
    cosines = np.array([tilted[row.first].cosine(tilted[row.second]) for row in rows])
    yield from _verification(", tilted up to 20 degrees", rows, cosines)

    yield from _identification(embedded, embedder)


def _verification(how: str, rows: Sequence[Pair], cosines: NDArray[np.float64]) -> Iterable[Figure]:
    """LFW's procedure on the folds that are there: the threshold of each fold is chosen on the others."""
    mated, folds = np.array([row.mated for row in rows]), np.array([row.fold for row in rows])
    right: list[bool] = []
    for fold in np.unique(folds):
        others = folds != fold
        threshold = max(cosines[others], key=lambda t: ((cosines[others] >= t) == mated[others]).mean())
        right += ((cosines[~others] >= threshold) == mated[~others]).tolist()
    yield _share("embedding", f"verification accuracy{how}", LFW, right)
    at_pairs = float(np.quantile(cosines[~mated], 0.999))
    matched = (cosines[mated] >= at_pairs).tolist()
    yield _share("embedding", f"TMR at FMR 1e-3 of the listed pairs{how}", LFW, matched)


def _identification(embedded: Mapping[Path, Embedding], embedder: FaceEmbedder) -> Iterable[Figure]:
    """Everybody of whom there are two photos or more is enrolled with one; the others' photos are strangers'."""
    by_person: dict[str, list[Path]] = defaultdict(list)
    for photo in sorted(embedded):
        by_person[lfw_person(photo)].append(photo)
    enrolled = {name: photos for name, photos in by_person.items() if len(photos) > 1}
    index = FaceIndex(embedder.space, embedder.dimensions)
    index.add(Templates(name, embedder.space, pack([embedded[photos[0]]])) for name, photos in enrolled.items())
    strangers = [embedded[photos[0]] for name, photos in by_person.items() if name not in enrolled]
    probes = [(name, embedded[photo]) for name, photos in enrolled.items() for photo in photos[1:]]
    found_strangers, found = _nearest(index, strangers), _nearest(index, [probe for _, probe in probes])
    data = f"{LFW}, {len(index)} people enrolled with one photo"
    for policy in embedder.calibration.cosines:
        threshold = embedder.calibration.threshold(policy, len(index))
        named = [candidate.cosine >= threshold for candidate in found_strangers]
        yield _share("embedding", f"strangers named (FPIR) at {policy}", data, named)
        missed = [
            candidate.uid != name or candidate.cosine < threshold
            for (name, _), candidate in zip(probes, found, strict=True)
        ]
        yield _share("embedding", f"enrolled people not named (FNIR) at {policy}", data, missed)


def _nearest(index: FaceIndex, probes: Sequence[Embedding]) -> list[Candidate]:
    return [candidates[0] for candidates in index.nearest(np.stack([p.vector for p in probes]), 1, now=0)]


def landmarks(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    """There are no labelled points in DATA: only how far those of changed photos lie from where they should."""
    off: dict[str, list[float]] = {"its mirror image": [], "itself tilted by 15 degrees": [], "itself at half size": []}
    for row in list(expressions(data, "news"))[::3]:
        image = read_image(row.photo)
        here = main_detection(analyse, image)
        if here is None:
            continue
        points, eyes = here.landmarks.as_array(), here.landmarks.inter_eye_distance
        height, width = image.shape[:2]
        swapped = points[[1, 0, 2, 4, 3]] * (-1, 1) + (width, 0)
        turned = cv2.transform(points[None], tilting(width, height, 15))[0]
        half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        views = zip(
            off.values(),
            (np.ascontiguousarray(image[:, ::-1]), _tilted(image, 15), half),
            (swapped, turned, points / 2),
            (1, 1, 2),
            strict=True,
        )
        for distances, view, expected, scale in views:
            there = main_detection(analyse, view)
            if there is not None:
                apart = np.linalg.norm(there.landmarks.as_array() - expected, axis=1).mean()
                distances.append(100 * scale * float(apart) / eyes)
    for name, distances in off.items():
        measure = f"points against those of {name}, % of the distance of the eyes"
        yield _mean("landmarks", measure, "news, every third", np.array(distances))


def tilt(image: Image, photo: Path) -> Image:
    """Turned by an angle from -20 to 20 degrees that goes with the photo's name."""
    share = zlib.crc32(photo.name.encode()) / 2**32
    return _tilted(image, 40 * share - 20)


def head_pose(analyse: AnalyseImage, data: Path) -> Iterable[Figure]:
    """There are no labelled poses in DATA: only how far the answers agree with themselves."""
    yaws, rolls = [], []
    tilts: dict[int, list[float]] = {15: [], 30: []}
    for row in list(expressions(data, "news"))[::3]:
        image = read_image(row.photo)
        here = pose_of(analyse, image)
        mirrored = pose_of(analyse, np.ascontiguousarray(image[:, ::-1]))
        if here is None or mirrored is None:
            continue
        yaws.append(here.yaw + mirrored.yaw)
        rolls.append(here.roll + mirrored.roll)
        for degrees, errors in tilts.items():
            tilted = pose_of(analyse, _tilted(image, degrees))
            if tilted is not None:
                errors.append(abs(tilted.roll - here.roll - degrees))
    yield _mean("head_pose", "yaw, bias against the mirror image, degrees", "news, every third", np.array(yaws) / 2)
    yield _mean("head_pose", "yaw, disagreement with the mirror image, degrees", "news, every third", np.abs(yaws))
    yield _mean("head_pose", "roll, bias against the mirror image, degrees", "news, every third", np.array(rolls) / 2)
    for degrees, errors in tilts.items():
        yield _mean(
            "head_pose", f"roll, error on photos tilted by {degrees} degrees", "news, every third", np.array(errors)
        )


def _tilted(image: Image, degrees: float) -> Image:
    """Turned clockwise about its centre."""
    height, width = image.shape[:2]
    return cv2.warpAffine(image, tilting(width, height, degrees), (width, height), borderMode=cv2.BORDER_REPLICATE)


def tilting(width: int, height: int, degrees: float) -> NDArray[np.float64]:
    """The (2, 3) transform that turns an image of this size."""
    return cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)


MEASURES: dict[str, Callable[[AnalyseImage, Path], Iterable[Figure]]] = {
    "detection": detection,
    "age_gender": age_gender,
    "expression": expression,
    "liveness": liveness,
    "landmarks": landmarks,
    "embedding": embedding,
    "head_pose": head_pose,
}


def _face(analyse: AnalyseImage, row: Labelled) -> Face | None:
    return main_face(read_analysis(analyse, row.photo))


def _iou(a: BoundingBox, b: BoundingBox) -> float:
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a.area + b.area - shared)


def _share(task: str, measure: str, data: str, hits: Sequence[bool]) -> Figure:
    """A proportion with Wilson's interval."""
    n, p = len(hits), float(np.mean(hits))
    middle, half = p + Z**2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    return Figure(task, measure, data, p, (middle - half) / scale, (middle + half) / scale, n)


def _mean(task: str, measure: str, data: str, values: NDArray[np.float64]) -> Figure:
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return Figure(task, measure, data, mean, mean - half, mean + half, len(values))


def _balanced(task: str, measure: str, data: str, by_class: dict[Sentiment, list[bool]]) -> Figure:
    """The mean of the classes' recalls; its variance is that of a mean of independent proportions."""
    recalls = [float(np.mean(part)) for part in by_class.values()]
    variance = sum(r * (1 - r) / len(part) for r, part in zip(recalls, by_class.values(), strict=True))
    mean, half = float(np.mean(recalls)), Z * math.sqrt(variance) / len(recalls)
    return Figure(task, measure, data, mean, mean - half, mean + half, sum(map(len, by_class.values())))


def _calibration(task: str, measure: str, data: str, scores: Sequence[float], right: Sequence[bool]) -> Figure:
    """Expected calibration error over ten bins of equal width; its interval by 200 seeded resamplings. These can only
    add to gaps that count without their sign: where all but a few give more, it begins at the error itself.
    """
    s, r = np.array(scores), np.array(right, dtype=float)
    rng = np.random.default_rng(0)
    again = [_ece(s[i], r[i]) for i in (rng.integers(len(s), size=len(s)) for _ in range(200))]
    low, high = (float(np.quantile(again, q)) for q in (0.025, 0.975))
    error = _ece(s, r)
    return Figure(task, measure, data, error, min(low, error), high, len(s))


def _ece(scores: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(scores[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def _print(figures: Sequence[dict[str, Any]]) -> None:
    table = Table("task", "measure", "data", "value", "95 % interval", "n")
    for f in figures:
        if not is_confusion(f):
            interval = f"{f['low']:.3f} to {f['high']:.3f}"
            table.add_row(f["task"], f["measure"], f["data"], f"{f['value']:.3f}", interval, str(f["count"]))
    console = Console(width=140)
    console.print(table)
    for data in dict.fromkeys(f["data"] for f in figures if is_confusion(f)):
        console.print(f"\nOn {data}:", *confusions([f for f in figures if f["data"] == data]), sep="\n")


if __name__ == "__main__":
    main()
