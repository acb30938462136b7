"""What the networks say of people whose age and gender are known, through the whole pipeline."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from mien.cli.sample_photos import jpeg, one_face
from mien.domain.face_filter import FaceFilter
from mien.domain.faces import Face, Gender, ImageAnalysis, Sentiment
from mien.domain.geometry import ImageSize
from mien.usecases.analyse_image import AnalyseImage
from mien.vision.decode import UPLOAD, decode
from tests.conftest import pillow, saved

KNOWN = {
    "astronaut": (42, Gender.FEMALE),
    "obama": (51, Gender.MALE),
    "obama2": (47, Gender.MALE),
    "biden": (66, Gender.MALE),
}


def all_faces(analyse: AnalyseImage, data: bytes) -> ImageAnalysis:
    return analyse(data, FaceFilter())


def only_face(analyse: AnalyseImage, data: bytes) -> Face:
    (face,) = all_faces(analyse, data).faces
    return face


def box(face: Face) -> np.ndarray:
    b = face.detection.box
    return np.array([b.x1, b.y1, b.x2, b.y2])


@pytest.mark.parametrize("name", KNOWN)
def test_age_and_gender_are_about_right(name: str, photo, analyse: AnalyseImage) -> None:
    years, gender = KNOWN[name]
    face = only_face(analyse, photo(name))
    assert abs(face.age.years - years) < 18
    assert face.gender.value is gender


@pytest.mark.parametrize("name", ["astronaut", "obama"])
def test_a_smile_is_happy(name: str, photo, analyse: AnalyseImage) -> None:
    assert only_face(analyse, photo(name)).emotion.value is Sentiment.HAPPY


def test_a_composed_face_is_neutral(photo, analyse: AnalyseImage) -> None:
    assert only_face(analyse, photo("biden")).emotion.value is Sentiment.NEUTRAL


@pytest.mark.parametrize("name", KNOWN)
def test_people_before_a_camera_are_live(name: str, photo, analyse: AnalyseImage) -> None:
    assert only_face(analyse, photo(name)).liveness.is_live


def test_a_cup_of_coffee_has_no_face(photo, analyse: AnalyseImage) -> None:
    assert all_faces(analyse, photo("coffee")).faces == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_same_face(orientation: int, photo, analyse: AnalyseImage) -> None:
    upright = pillow(photo("obama2"))
    undo = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT, 3: Pillow.Transpose.ROTATE_180, 4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE, 6: Pillow.Transpose.ROTATE_90, 7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    turned = only_face(analyse, saved(stored, "PNG", exif=exif))
    plain = only_face(analyse, saved(upright, "PNG"))
    assert box(turned) == pytest.approx(box(plain), abs=0.01)
    assert turned.age.years == pytest.approx(plain.age.years, abs=0.01)
    assert turned.emotion.sentiments == pytest.approx(plain.emotion.sentiments, abs=1e-4)


def test_a_mirrored_photo_gives_mirrored_boxes_and_pose(photo, analyse: AnalyseImage) -> None:
    image = decode(photo("obama2"))
    face, mirrored = (only_face(analyse, jpeg(i, 95)) for i in (image, np.ascontiguousarray(image[:, ::-1])))
    width = image.shape[1]
    x1, y1, x2, y2 = box(mirrored)
    assert [width - x2, y1, width - x1, y2] == pytest.approx(box(face), abs=0.05 * face.detection.box.height)
    assert mirrored.pose.yaw == pytest.approx(-face.pose.yaw, abs=8)
    assert mirrored.pose.roll == pytest.approx(-face.pose.roll, abs=8)
    assert abs(face.pose.yaw) > 10
    assert mirrored.gender.value is face.gender.value


@pytest.mark.parametrize("degrees", [-20, 15, 30])
def test_tilting_a_photo_adds_to_the_roll(degrees: int, photo, analyse: AnalyseImage) -> None:
    image = decode(photo("obama"))
    before = only_face(analyse, photo("obama"))
    about = cv2.getRotationMatrix2D(before.detection.box.centre, -degrees, 1.0)
    turned = cv2.warpAffine(image, about, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    after = only_face(analyse, jpeg(turned))
    assert after.pose.roll - before.pose.roll == pytest.approx(degrees, abs=8)


@pytest.mark.parametrize("name", ["astronaut", "obama", "obama2", "obama3", "biden"])
@pytest.mark.parametrize("degrees", [-25, 25])
def test_points_turn_with_the_face(name: str, degrees: int, photo, analyse: AnalyseImage) -> None:
    image = decode(photo(name))
    before = only_face(analyse, photo(name)).detection
    about = cv2.getRotationMatrix2D(before.box.centre, -degrees, 1.0)
    turned = cv2.warpAffine(image, about, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    after = only_face(analyse, saved(Pillow.fromarray(turned[:, :, ::-1]), "PNG")).detection
    expected = cv2.transform(before.landmarks.as_array()[None], about)[0]
    apart = np.linalg.norm(after.landmarks.as_array() - expected, axis=1)
    assert apart.mean() < 0.06 * before.landmarks.inter_eye_distance


@pytest.mark.parametrize("name", ["astronaut", "obama", "obama2", "obama3", "biden"])
def test_a_face_of_twenty_pixels_in_full_hd_is_found(name: str, photo, analyse: AnalyseImage) -> None:
    size = 20
    image = decode(photo(name))
    face = only_face(analyse, photo(name)).detection.box
    small = cv2.resize(image, None, fx=size / face.height, fy=size / face.height, interpolation=cv2.INTER_AREA)
    canvas = np.full((1080, 1920, 3), 110, np.uint8)
    canvas[700 : 700 + small.shape[0], 1500 : 1500 + small.shape[1]] = small
    found = only_face(analyse, saved(Pillow.fromarray(canvas[:, :, ::-1]), "PNG"))
    expected = box(only_face(analyse, photo(name))) * size / face.height + [1500, 700, 1500, 700]
    assert box(found) == pytest.approx(expected, abs=size / 4)


@pytest.mark.parametrize("part", [0.8, 0.9, 1.0, 1.2])
@pytest.mark.parametrize("side", [300, 1000, 2000])
def test_a_face_filling_the_frame_is_found(part: float, side: int, photo, analyse: AnalyseImage) -> None:
    face = only_face(analyse, photo("obama")).detection.box
    x, y = face.centre
    half = face.height * part / 2
    close = pillow(photo("obama")).resize((side, side), box=(x - half, y - half, x + half, y + half))
    found = all_faces(analyse, saved(close, "JPEG")).faces
    assert len(found) == 1
    assert found[0].detection.box.height > 0.7 * side


def test_faces_together_get_what_each_gets_alone(six_people: np.ndarray, analyse: AnalyseImage) -> None:
    image = saved(Pillow.fromarray(six_people[:, :, ::-1]), "PNG")
    together = all_faces(analyse, image).faces
    detected = [face.detection for face in together]
    for face in together:
        (alone,) = analyse.describe(six_people, (face.detection,))
        assert alone.age.years == pytest.approx(face.age.years, abs=0.05)
        assert alone.liveness.score == pytest.approx(face.liveness.score, abs=1e-3)
        assert alone.emotion.sentiments == pytest.approx(face.emotion.sentiments, abs=1e-3)
        assert alone.pose.yaw == pytest.approx(face.pose.yaw, abs=0.05)
    assert len(detected) == 6


def test_more_faces_than_one_batch_holds_are_all_described(six_people: np.ndarray, analyse: AnalyseImage) -> None:
    detected = analyse.detector.detect(six_people) * 4
    described = analyse.describe(six_people, detected)
    assert len(described) == 24
    assert described[0] == described[18] or described[0].age.years == pytest.approx(described[18].age.years, abs=0.05)


def test_a_face_of_a_huge_upload_is_told_in_the_photos_own_pixels(analyse: AnalyseImage) -> None:
    """One photo at 10 and at 64 megapixels, the larger seen at half its size."""
    small, large = (jpeg(one_face(width, width * 3 // 4)) for width in (3650, 9230))
    (one,) = analyse(small, FaceFilter()).faces
    analysis = replace(analyse, limits=UPLOAD)(large, FaceFilter())
    assert analysis.size == ImageSize(9230, 6922)
    (other,) = analysis.faces
    factor = 9230 / 3650
    for a, b in ((one.detection.box.x1, other.detection.box.x1), (one.detection.box.y2, other.detection.box.y2)):
        assert b == pytest.approx(a * factor, rel=0.02)
    assert other.detection.landmarks.nose_tip == pytest.approx(
        one.detection.landmarks.scaled(factor, factor).nose_tip, rel=0.02
    )
    assert other.quality.face_size_px == pytest.approx(one.quality.face_size_px * factor, rel=0.03)
    assert other.age.years == pytest.approx(one.age.years, abs=5)


def test_the_smallest_face_that_is_wanted_is_meant_in_the_photos_own_pixels(analyse: AnalyseImage) -> None:
    large, uploads = jpeg(one_face(9230, 6922)), replace(analyse, limits=UPLOAD)
    (face,) = uploads(large, FaceFilter()).faces
    size = face.quality.face_size_px
    assert len(uploads(large, FaceFilter(min_face_size=size - 50)).faces) == 1
    assert uploads(large, FaceFilter(min_face_size=size + 50)).faces == ()
