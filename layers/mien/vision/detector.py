"""Finding faces and their five landmarks with YuNet (Wu, Peng and Yu, 2023)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.domain.faces import DetectedFace
from mien.domain.geometry import BoundingBox, FloatArray, ImageSize, Landmarks5
from mien.vision.decode import Image, image_size
from mien.vision.engine import Engine

STRIDES = (8, 16, 32)
_GRID = STRIDES[-1]

# YuNet sees faces of about 10 to 300 px. A fine look keeps small faces at their size, a coarse one brings a
# face that fills the frame down to what it was trained on. `make accuracy` shows both ends.
FINE_LONG_SIDE = (640, 1920)
COARSE_LONG_SIDE = 256
MAX_UPSCALE = 4.0

# A glance comes first, beside a coarse look where it is larger than this smallest. Where it shows faces, none of them
# small, and what may be small ones turn out to be none when they are looked at closely, it was enough: a fine look
# takes four to nine times as long.
GLANCE_LONG_SIDE = 320
MAX_COARSER = 3.0  # than a fine look
SMALL_SIDE = 24  # pixels of the glance; people so far away do not come alone
HINT_SIDE = 48  # pixels of the glance
HINT_PROBABILITY = 0.09  # over the square of how many times coarser the glance is: the coarser, the fainter
CLOSE_SIDE = 64  # what is looked at about a hint, in pixels of the glance
WELL_INSIDE = 0.375  # of that side, from the middle: a hint there needs no look of its own
CLOSE_PROBABILITY = 0.3
CLOSE_OVERHEAD = 20_000  # pixels that could be looked at in the time that a look takes besides
MAX_CLOSE_SHARE = 0.5  # of the time of a fine look goes to the best of the hints; the others are let go

MAX_CANDIDATES = 3000  # a look, so that no minimum makes merging slow
_FAINTEST = 40.0  # a logit whose square of odds is still a float32
MAX_OVERLAP = 0.3  # IoU above which two boxes are the same face
MAX_INSIDE = 0.8  # part of a box that may lie inside a better one


@dataclass(frozen=True, slots=True)
class Candidates:
    """Undecided detections, one row each: box (n, 4) as x1 y1 x2 y2, points (n, 5, 2), score (n,)."""

    boxes: FloatArray
    points: FloatArray
    scores: FloatArray

    @property
    def centres(self) -> FloatArray:
        """Of the boxes, (n, 2)."""
        centres: FloatArray = self.boxes.reshape(-1, 2, 2).mean(axis=1)
        return centres

    @property
    def sides(self) -> FloatArray:
        """The boxes' shorter ones, (n,)."""
        sides: FloatArray = (self.boxes[:, 2:] - self.boxes[:, :2]).min(axis=1)
        return sides

    def moved(self, seen: Image, image: Image) -> Candidates:
        """From pixels of a resized image to those of the image it was made of."""
        x, y = image.shape[1] / seen.shape[1], image.shape[0] / seen.shape[0]
        factors = np.array([x, y], dtype=np.float32)
        return Candidates(self.boxes * np.tile(factors, 2), self.points * factors, self.scores)

    def shifted(self, left: int, top: int) -> Candidates:
        """From pixels of a part of an image to those of the image."""
        offset = np.array([left, top], dtype=np.float32)
        return Candidates(self.boxes + np.tile(offset, 2), self.points + offset, self.scores)

    def of(self, kept: NDArray[np.bool_] | list[int]) -> Candidates:
        """Those at whose places `kept`, (n,), is true, or at these places."""
        return Candidates(self.boxes[kept], self.points[kept], self.scores[kept])

    def outside(self, others: Candidates) -> Candidates:
        """Those whose centres lie in no box of the others."""
        centres = self.centres[:, None]
        inside = np.all((centres >= others.boxes[:, :2]) & (centres <= others.boxes[:, 2:]), axis=2)
        return self.of(~np.any(inside, axis=1))

    def best(self) -> Candidates:
        """One for each face, the best first."""
        return self.of(list(suppress(self.boxes, self.scores)))


class FaceDetector:
    """Detects all faces of an image."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._min_probability = engine.spec.operating_point("min_probability")

    def detect(
        self, image: Image, min_probability: float | None = None, may_glance: bool = True
    ) -> tuple[DetectedFace, ...]:
        """The faces of an upright BGR image, largest first, whose score is at least `min_probability` (None: the
        model's operating point). `may_glance`: whether a glance may be enough.

        Boxes are in pixels of the image and clipped to it; landmarks may lie outside.
        """
        minimum = self._min_probability if min_probability is None else min_probability
        size = image_size(image)
        best = self._glanced(image, minimum) if may_glance and glance_scales(size) else None
        if best is None:
            best = _best_of(self._looks(image, working_scales(size), minimum))
        faces = [face for face in _faces(best) if face.box.clipped(size).area > 0]
        clipped = (DetectedFace(face.box.clipped(size), face.landmarks, face.probability) for face in faces)
        return tuple(sorted(clipped, key=lambda face: face.box.area, reverse=True))

    def _glanced(self, image: Image, minimum: float) -> Candidates | None:
        """What a glance shows, or nothing where that is not enough."""
        size = image_size(image)
        seen = self._looks(image, glance_scales(size), min(minimum, _faintest_hint(size)))
        best = _best_of([look.of(look.scores >= minimum) for look in seen])
        return best if self._is_enough(image, seen[0], best) else None

    def _is_enough(self, image: Image, glance: Candidates, faces: Candidates) -> bool:
        """Whether a fine look would hardly find more than these faces, which a glance has found."""
        size = image_size(image)
        scale, fine = glance_scales(size)[0], working_scales(size)[0]
        if not len(faces.scores) or faces.sides.min() * scale < SMALL_SIDE:
            return False
        faint = (glance.sides * scale < HINT_SIDE) & (glance.scores >= _faintest_hint(size))
        side = CLOSE_SIDE / scale
        cost = (side * fine) ** 2 + CLOSE_OVERHEAD
        most = int(MAX_CLOSE_SHARE * size.width * size.height * fine**2 / cost)
        hints = glance.of(faint).outside(faces)
        centres = hints.centres.tolist()
        best = (centres[index] for index in suppress(hints.boxes, hints.scores))
        places = _spread(best, side * WELL_INSIDE, most)
        if not places:
            return True
        close = self._close_looks(image, places, side).outside(faces)
        return not ((close.sides * scale < SMALL_SIDE) | (close.scores >= self._min_probability)).any()

    def _close_looks(self, image: Image, places: list[list[float]], side: float) -> Candidates:
        """What fine looks at squares about these places show, in pixels of the image."""
        size = image_size(image)
        fine = working_scales(size)[0]
        corners = np.maximum(np.minimum(places, (size.width, size.height)) - side / 2, 0).astype(int).tolist()
        parts = [image[top : top + int(side), left : left + int(side)] for left, top in corners]
        seen = [_resize(part, image_size(part), fine) for part in parts]
        looks = zip(self._look_at_all(seen, CLOSE_PROBABILITY), seen, parts, corners, strict=True)
        return _together([look.moved(small, part).shifted(*corner) for look, small, part, corner in looks])

    def _looks(self, image: Image, scales: tuple[float, ...], minimum: float) -> list[Candidates]:
        """A look at each of the scales, fine first, in pixels of the image."""
        looks, seen = [], image
        for scale in scales:
            seen = _resize(seen, image_size(image), scale)  # the coarse look shrinks the fine one's image
            looks.append(self._look(seen, minimum).moved(seen, image))
        return looks

    def detect_at(self, image: Image, scale: float, min_probability: float) -> tuple[DetectedFace, ...]:
        """As `detect`, with one look at one scale and nothing clipped; for comparing with other detectors."""
        seen = _resize(image, image_size(image), scale)
        faces = _faces(self._look(seen, min_probability).moved(seen, image).best())
        return tuple(sorted(faces, key=lambda face: face.box.area, reverse=True))

    def _look(self, image: Image, min_probability: float) -> Candidates:
        """Run the network once; the answer is in pixels of the image."""
        (look,) = self._look_at_all([image], min_probability)
        return look

    def _look_at_all(self, images: list[Image], min_probability: float) -> list[Candidates]:
        """The same for images of about one size, all at once."""
        planes = _planes(images)
        (cells,) = self._engine.run(planes)
        return [decode_cells(of_image, ImageSize(*planes.shape[:1:-1]), min_probability) for of_image in cells]


def _planes(images: list[Image]) -> FloatArray:
    """As (n, 3, height, width) float32, all extended to the right and below, in black, to multiples of the largest
    stride; in less memory and time than `cv2.dnn.blobFromImages` takes.
    """
    height, width = (-(-max(image.shape[axis] for image in images) // _GRID) * _GRID for axis in (0, 1))
    planes = np.zeros((len(images), 3, height, width), np.float32)
    for image, of_image in zip(images, planes, strict=True):
        for channel, plane in enumerate(of_image):
            plane[: image.shape[0], : image.shape[1]] = cv2.extractChannel(image, channel)
    return planes


def working_scales(size: ImageSize) -> tuple[float, ...]:
    """The factors by which an image is resized before each look, fine first."""
    long_side = max(size.width, size.height)
    smallest, largest = FINE_LONG_SIDE
    fine = min(min(max(long_side, smallest), largest) / long_side, MAX_UPSCALE)
    coarse = COARSE_LONG_SIDE / long_side
    return (fine, coarse) if coarse < fine else (fine,)


def glance_scales(size: ImageSize) -> tuple[float, ...]:
    """The factors by which an image is resized for a glance and, where a face may be too large for it, for a coarse
    look beside it; of a tiny image, none.
    """
    long_side = max(size.width, size.height)
    fine = working_scales(size)[0] * long_side
    glance = max(float(GLANCE_LONG_SIDE), fine / MAX_COARSER)
    if glance >= fine:
        return ()
    sides = (glance, COARSE_LONG_SIDE) if glance > GLANCE_LONG_SIDE else (glance,)
    return tuple(side / long_side for side in sides)


def _faintest_hint(size: ImageSize) -> float:
    """The score from which a glance's candidate for a small face is looked at closely."""
    glance, fine = glance_scales(size)[0], working_scales(size)[0]
    return HINT_PROBABILITY * (glance / fine) ** 2


def _spread(places: Iterable[list[float]], apart: float, most: int) -> list[list[float]]:
    """Of places, x and y, the best first, those that are not this near to one taken already; no more than so many."""
    taken: list[list[float]] = []
    for x, y in places:
        if len(taken) == most:
            break
        if all(max(abs(x - left), abs(y - top)) >= apart for left, top in taken):
            taken.append([x, y])
    return taken


def decode_cells(cells: FloatArray, size: ImageSize, min_score: float) -> Candidates:
    """Turn what YuNet says, (16, cells), into candidates, in pixels of the network's input of this size.

    The cells of each stride follow one another row by row. In a cell: logits of a face and of an object, the box, the
    points. Score = sqrt(face * object), centre = (cell + offset) * stride, side = exp(size) * stride,
    point = (cell + offset) * stride.
    """
    odds = 1 + np.exp(np.minimum(-cells[:2], _FAINTEST))
    scores = 1 / np.sqrt(odds[0] * odds[1])
    kept = _best(scores, min_score)
    counts = np.array([size.width // stride * (size.height // stride) for stride in STRIDES])
    ends = counts.cumsum()
    level = np.searchsorted(ends, kept, side="right")
    strides = np.array(STRIDES)[level]
    rows, columns = np.divmod(kept - (ends - counts)[level], size.width // strides)
    corners, stride = np.stack([columns, rows], axis=1).astype(np.float32), strides[:, None].astype(np.float32)
    _, box, points = np.split(cells[:, kept].T, (2, 6), axis=1)
    centres, halves = (corners + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride / 2
    return Candidates(
        np.hstack([centres - halves, centres + halves]),
        (corners[:, None] + points.reshape(-1, 5, 2)) * stride[:, None],
        scores[kept],
    )


def _best(scores: FloatArray, minimum: float) -> NDArray[np.intp]:
    """Where the scores reach the minimum; of more than MAX_CANDIDATES, the highest."""
    kept = np.flatnonzero(scores >= minimum)
    if len(kept) > MAX_CANDIDATES:
        kept = kept[np.argpartition(scores[kept], -MAX_CANDIDATES)[-MAX_CANDIDATES:]]
    return kept


def _best_of(looks: list[Candidates]) -> Candidates:
    """One candidate for each face that any of the looks shows, the best first."""
    return _together(looks).best()


def _together(looks: list[Candidates]) -> Candidates:
    """All that the looks show; at least one look."""
    return Candidates(
        np.concatenate([look.boxes for look in looks]),
        np.concatenate([look.points for look in looks]),
        np.concatenate([look.scores for look in looks]),
    )


def _faces(best: Candidates) -> list[DetectedFace]:
    return [
        DetectedFace(
            box=BoundingBox(*map(float, box)),
            landmarks=Landmarks5.from_array(points),
            probability=float(score),
        )
        for box, points, score in zip(best.boxes, best.points, best.scores, strict=True)
    ]


def suppress(boxes: FloatArray, scores: FloatArray) -> Iterator[int]:
    """Greedy non-maximum suppression: the indices kept, best score first, each worked out when it is asked for.

    A box goes when a better one overlaps it (IoU), or holds nearly all of it: on a face larger than it was trained
    for, the network also finds a small one between the eyes and mouth.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    while len(order):
        best, others = order[0], order[1:]
        yield int(best)
        top_left = np.maximum(boxes[best, :2], boxes[others, :2])
        bottom_right = np.minimum(boxes[best, 2:], boxes[others, 2:])
        shared = np.prod(np.clip(bottom_right - top_left, 0, None), axis=1)
        overlaps = shared > MAX_OVERLAP * (areas[best] + areas[others] - shared)
        inside = shared > MAX_INSIDE * areas[others]
        order = others[~(overlaps | inside)]


def _resize(image: Image, whole: ImageSize, scale: float) -> Image:
    """The image, which shows all of one of size `whole`, at `scale` of that size."""
    width, height = max(round(whole.width * scale), 1), max(round(whole.height * scale), 1)
    if (width, height) == image.shape[1::-1]:
        return image
    while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
        image = _halved(image)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _halved(image: Image) -> Image:
    """Averaged down by two, which OpenCV does far faster than by other factors."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
