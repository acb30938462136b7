"""Photos as people send them. A wrong answer is possible; a box outside of the image is not."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from mien.cli.sample_photos import PORTRAITS, group, head, jpeg, one_face, portrait
from mien.domain.face_filter import FaceFilter
from mien.domain.faces import DetectedFace, Face, Gender, ImageAnalysis
from mien.domain.geometry import ImageSize
from mien.usecases.analyse_image import AnalyseImage
from mien.usecases.stopwatch import Stopwatch
from mien.vision.decode import Image, decode
from mien.vision.detector import FINE_LONG_SIDE, FaceDetector
from tests.conftest import saved
from tests.hostile import exif, inserted, jpeg_segment

TURNS = {
    1: lambda image: image,
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
}
"""How the pixels of an upright image are stored under each EXIF orientation."""


def analysed(analyse: AnalyseImage, image: Image | bytes) -> ImageAnalysis:
    """The analysis, of which everything holds that must hold of any photo."""
    analysis = analyse(image if isinstance(image, bytes) else jpeg(image, 95), FaceFilter())
    for face in analysis.faces:
        x1, y1, x2, y2 = box(face)
        assert 0 <= x1 < x2 <= analysis.size.width
        assert 0 <= y1 < y2 <= analysis.size.height
        assert sum(face.emotion.sentiments.values()) == pytest.approx(1, abs=1e-5)
        assert all(0 <= score <= 1 for score in scores(face))
        assert 0 <= face.age.years <= 120
        assert np.isfinite([face.pose.yaw, face.pose.pitch, face.pose.roll]).all()
        assert np.isfinite(face.detection.landmarks.as_array()).all()
    return analysis


def largest(analyse: AnalyseImage, image: Image | bytes) -> Face:
    return analysed(analyse, image).faces[0]


def box(face: Face) -> np.ndarray:
    return boxed(face.detection)


def boxed(face: DetectedFace) -> np.ndarray:
    return np.array([face.box.x1, face.box.y1, face.box.x2, face.box.y2])


def scores(face: Face) -> list[float]:
    return [face.detection.probability, face.gender.probability, face.liveness.score, *face.emotion.sentiments.values()]


class Watched:
    """A detector, and the shapes of what its network saw."""

    def __init__(self, detector: FaceDetector) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.spec, self._run = detector._engine.spec, detector._engine.run
        self.detector = FaceDetector(self)

    def run(self, tensor: np.ndarray) -> tuple[np.ndarray, ...]:
        self.seen.append(tensor.shape)
        return self._run(tensor)


@pytest.fixture(scope="module")
def phone_portrait() -> Image:
    """12 megapixels, upright."""
    return cv2.resize(portrait("obama"), (3024, 4032), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("orientation", TURNS)
def test_a_phone_portrait_in_any_orientation_has_the_same_upright_box(
    orientation: int, phone_portrait: Image, analyse: AnalyseImage
) -> None:
    tag = jpeg_segment(0xE1, b"Exif\0\0" + exif((0x0112, 3, 1, bytes((orientation, 0, 0, 0)))))
    turned = analysed(analyse, inserted(jpeg(TURNS[orientation](phone_portrait), 95), tag))
    upright = analysed(analyse, phone_portrait)
    assert (turned.size.width, turned.size.height) == (3024, 4032)
    assert box(turned.faces[0]) == pytest.approx(box(upright.faces[0]), abs=8)


def in_grey(image: Image, face: Face) -> Image:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def in_the_dark(image: Image, face: Face) -> Image:
    return (image * 0.12).astype(np.uint8)


def against_the_light(image: Image, face: Face) -> Image:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    x, y = face.detection.box.centre
    light = np.clip(np.hypot(columns - x, rows - y) / face.detection.box.height - 0.6, 0, 1)[:, :, None]
    return (0.3 * image * (1 - light) + 255 * light).astype(np.uint8)


def with_a_mask(image: Image, face: Face) -> Image:
    x1, _, x2, y2 = box(face)
    side = face.detection.box.height / 10
    nose_x, nose_y = face.detection.landmarks.as_array()[2]
    outline = [(x1, nose_y - side), (nose_x, nose_y - side / 2), (x2, nose_y - side), (x2 - side, y2), (x1 + side, y2)]
    return cv2.fillConvexPoly(image.copy(), cv2.convexHull(np.array(outline, np.int32)), (230, 200, 170))


def with_dark_glasses(image: Image, face: Face) -> Image:
    size = face.detection.box.height
    eyes = [tuple(map(int, point)) for point in face.detection.landmarks.as_array()[:2]]
    image = cv2.line(image.copy(), *eyes, (10, 10, 10), max(int(0.03 * size), 2))
    for eye in eyes:
        cv2.circle(image, eye, int(0.13 * size), (10, 10, 10), -1)
    return image


def as_a_painting(image: Image, face: Face) -> Image:
    return cv2.pyrMeanShiftFiltering(image, 12, 40)


@pytest.mark.parametrize("name", PORTRAITS)
@pytest.mark.parametrize(
    "how",
    [in_grey, in_the_dark, against_the_light, with_a_mask, with_dark_glasses, as_a_painting],
    ids=lambda how: how.__name__,
)
def test_the_face_is_still_where_it_was(how, name: str, analyse: AnalyseImage) -> None:
    image = portrait(name)
    before = largest(analyse, image)
    after = largest(analyse, how(image, before))
    assert box(after) == pytest.approx(box(before), abs=0.2 * before.detection.box.height)


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_face_partly_out_of_the_frame_gets_a_box_inside(name: str, analyse: AnalyseImage) -> None:
    image = portrait(name)
    x1, y1, x2, y2 = box(largest(analyse, image)).astype(int)
    middle_x, middle_y = (x1 + x2) // 2, (y1 + y2) // 2
    for part in (image[:, :middle_x], image[:, middle_x:], image[:middle_y], image[middle_y:], image[y1:y2, x1:x2]):
        analysed(analyse, part)


@pytest.mark.parametrize("size", [(4000, 3000), (1920, 1080)])
def test_sixty_faces_in_a_crowd(size: tuple[int, int], analyse: AnalyseImage) -> None:
    assert 57 <= len(analysed(analyse, group(60, *size)).faces) <= 66


def in_rows(faces: Iterable[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: (box(face)[1] // 100, box(face)[0]))


@pytest.mark.parametrize("faces", [6, 60])
def test_twelve_megapixels_decoded_smaller_give_what_they_give_whole(faces: int, analyse: AnalyseImage) -> None:
    data = jpeg(group(faces, 4032, 3024), 95)
    image, found = decode(data), in_rows(analysed(analyse, data).faces)
    whole = in_rows(analyse.describe(image, analyse.find(image, FaceFilter())))
    assert len(whole) == len(found) >= faces
    for a, b in zip(whole, found, strict=True):
        assert box(b) == pytest.approx(box(a), abs=0.05 * a.detection.box.height)
    apart = np.array([np.subtract(scores(a), scores(b)) for a, b in zip(whole, found, strict=True)])
    assert np.abs(apart).mean(axis=0).max() < 0.03


def test_a_photo_is_decoded_no_finer_than_its_wanted_faces_need(analyse: AnalyseImage) -> None:
    data = jpeg(group(60, 4032, 3024))
    for wanted, decoded in ((FaceFilter(), (3024, 4032, 3)), (FaceFilter(min_face_size=256), (1512, 2016, 3))):
        photo, _ = analyse.see(data, wanted, Stopwatch())
        assert (photo.image.shape, photo.size) == (decoded, ImageSize(4032, 3024))


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        pytest.param(one_face(640, 480), 320, id="of a webcam"),
        pytest.param(one_face(1280, 960), 448, id="whose hints lie on the face"),
        pytest.param(one_face(4032, 3024), 640, id="of a phone"),
        pytest.param(group(6, 1920, 1080), 640, id="of six people"),
    ],
)
def test_a_glance_is_enough_for_a_portrait(image: Image, seen: int, analyse: AnalyseImage) -> None:
    watched = Watched(analyse.detector)
    glanced = sorted(watched.detector.detect(image), key=lambda face: face.box.x1)
    assert max(map(max, watched.seen)) == seen
    looked = sorted(analyse.detector.detect(image, may_glance=False), key=lambda face: face.box.x1)
    for quick, fine in zip(glanced, looked, strict=True):
        assert boxed(quick) == pytest.approx(boxed(fine), abs=0.08 * fine.box.height)
        assert quick.probability == pytest.approx(fine.probability, abs=0.05)


@pytest.mark.parametrize("name", PORTRAITS)
@pytest.mark.parametrize("side", [160, 640, 1280, 3000])
def test_a_face_that_fills_the_photo_is_found_once(side: int, name: str, analyse: AnalyseImage) -> None:
    image = portrait(name)
    x1, y1, x2, y2 = box(largest(analyse, image)).astype(int)
    (face,) = analyse.detector.detect(cv2.resize(image[y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_AREA))
    assert face.box.area > 0.5 * side**2


def test_a_small_face_beside_a_large_one_is_not_lost_in_the_glance(analyse: AnalyseImage) -> None:
    image = one_face(640, 480)
    far = cv2.resize(head("biden"), None, fx=0.12, fy=0.12, interpolation=cv2.INTER_AREA)
    image[20 : 20 + far.shape[0], 10 : 10 + far.shape[1]] = far
    near, small = analyse.detector.detect(image)
    assert near.box.width > 100
    assert small.box.width < 40


def test_a_crowd_is_looked_at_finely(analyse: AnalyseImage) -> None:
    watched = Watched(analyse.detector)
    assert len(watched.detector.detect(group(60, 4032, 3024))) >= 57
    assert max(map(max, watched.seen)) == FINE_LONG_SIDE[1]


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_mirrored_photo_gives_mirrored_boxes_and_nearly_the_same_scores(name: str, analyse: AnalyseImage) -> None:
    image = portrait(name)
    face, mirrored = largest(analyse, image), largest(analyse, np.ascontiguousarray(image[:, ::-1]))
    x1, y1, x2, y2 = box(mirrored)
    back = [image.shape[1] - x2, y1, image.shape[1] - x1, y2]
    assert back == pytest.approx(box(face), abs=0.1 * face.detection.box.height)
    assert_about_the_same(face, mirrored, years=10, score=0.35)


@pytest.mark.parametrize("name", PORTRAITS)
@pytest.mark.parametrize("factor", [0.5, 2])
def test_the_size_of_a_photo_changes_little(factor: float, name: str, analyse: AnalyseImage) -> None:
    image = portrait(name)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    face, other = (
        largest(analyse, image),
        largest(analyse, cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)),
    )
    assert box(other) / factor == pytest.approx(box(face), abs=0.1 * face.detection.box.height)
    assert_about_the_same(face, other, years=5, score=0.15)


def female(face: Face) -> float:
    return face.gender.probability if face.gender.value is Gender.FEMALE else 1 - face.gender.probability


def assert_about_the_same(face: Face, other: Face, years: float, score: float) -> None:
    assert other.age.years == pytest.approx(face.age.years, abs=years)
    assert female(other) == pytest.approx(female(face), abs=score)
    assert other.liveness.score == pytest.approx(face.liveness.score, abs=score)
    assert other.emotion.sentiments == pytest.approx(face.emotion.sentiments, abs=score)


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_what_is_no_photo_behave_too(seed: int, analyse: AnalyseImage) -> None:
    rng = np.random.default_rng(seed)
    noise = Pillow.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).resize((600, 400))
    analysis = analyse(saved(noise, "PNG"), FaceFilter(min_detection_probability=0.05))
    for face in analysis.faces:
        assert (box(face) >= 0).all()
        assert (box(face) <= [600, 400, 600, 400]).all()
        assert sum(face.emotion.sentiments.values()) == pytest.approx(1, abs=1e-5)
