from __future__ import annotations

import base64
import contextlib
import json
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from requests import Request

from mien.domain.errors import ImageTooLarge, InvalidParameter, MalformedRequest, MienError, MissingField
from mien.http.images import read_body, read_form, read_photos
from mien.http.limits import MAX_IMAGE_BYTES

FORM = "multipart/form-data; boundary=B"


def read_image(content_type: str, body: bytes, field: str) -> bytes:
    return read_form(content_type, body).image(field)


def form(files: list[tuple[str, tuple[str, bytes]]], fields: dict[str, str] | None = None) -> tuple[str, bytes]:
    """A multipart body as `requests` makes it: (content type, body)."""
    prepared = Request("POST", "http://localhost", files=files, data=fields or {}).prepare()
    assert isinstance(prepared.body, bytes)
    return prepared.headers["content-type"], prepared.body


@given(st.binary(min_size=1, max_size=2000))
def test_the_bytes_of_the_file_come_back_unchanged(content: bytes) -> None:
    kind, body = form([("face_image", ("p.jpg", content))])
    assert read_image(kind, body, "face_image") == content


@pytest.mark.parametrize("name", ["photo.jpg", "no extension", 'quo"te.jpg', "фото.jpg", "a;b=c.jpg", ""])
def test_any_file_name_will_do(name: str) -> None:
    kind, body = form([("face_image", (name or "x", b"content"))])
    assert read_image(kind, body, "face_image") == b"content"


def test_other_fields_are_passed_over() -> None:
    kind, body = form([("other", ("o.jpg", b"no")), ("face_image", ("p.jpg", b"yes"))], {"note": "hello"})
    assert read_image(kind, body, "face_image") == b"yes"


def test_an_epilogue_is_allowed() -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="face_image"\r\n\r\nyes\r\n--B--\r\nafterwards'
    assert read_image("multipart/form-data; boundary=B", body, "face_image") == b"yes"


def test_a_quoted_boundary_is_understood() -> None:
    body = b'--a b\r\ncontent-disposition: form-data; name="face_image"\r\n\r\nyes\r\n--a b--\r\n'
    assert read_image('Multipart/Form-Data; boundary="a b"', body, "face_image") == b"yes"


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain"])
def test_another_content_type_lacks_the_field(kind: str) -> None:
    with pytest.raises(MissingField, match="face_image"):
        read_image(kind, b"{}", "face_image")


def test_a_form_without_the_field_lacks_it() -> None:
    with pytest.raises(MissingField, match="face_image is missing"):
        read_image(*form([("image", ("p.jpg", b"x"))]), "face_image")


def test_an_empty_file_lacks_it_too() -> None:
    with pytest.raises(MissingField, match="empty"):
        read_image(*form([("face_image", ("p.jpg", b""))]), "face_image")


def test_two_images_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="2 times"):
        read_image(*form([("face_image", ("a", b"1")), ("face_image", ("b", b"2"))]), "face_image")


@pytest.mark.parametrize("cut", [3, 5, 20, 60])
def test_a_form_that_breaks_off_is_malformed(cut: int) -> None:
    kind, body = form([("face_image", ("p.jpg", b"x" * 100))])
    with pytest.raises(MalformedRequest):
        read_image(kind, body[:-cut], "face_image")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=wrong"]
)
def test_a_missing_or_wrong_boundary_is_malformed(kind: str) -> None:
    _, body = form([("face_image", ("p.jpg", b"x"))])
    with pytest.raises(MalformedRequest):
        read_image(kind, body, "face_image")


def test_a_file_of_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert len(read_image(*form([("face_image", ("p", b"x" * MAX_IMAGE_BYTES))]), "face_image")) == MAX_IMAGE_BYTES
    with pytest.raises(ImageTooLarge):
        read_image(*form([("face_image", ("p", b"x" * (MAX_IMAGE_BYTES + 1)))]), "face_image")


DISPOSITION = b'Content-Disposition: form-data; name="face_image"; filename="p.jpg"'


def part(content: bytes, *headers: bytes, boundary: bytes = b"B") -> bytes:
    """One part and its delimiter, with these header lines."""
    return b"\r\n".join((b"--" + boundary, *(headers or (DISPOSITION,)), b"", content, b""))


def whole(content: bytes, *headers: bytes, boundary: bytes = b"B") -> bytes:
    return part(content, *headers, boundary=boundary) + b"--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"--B",
        b"--B--",
        b"\n--B\r\n",
        b"\r--B--\r",
        b"\r\n--BX",
        b"\r\n--B-X",
        b"\r\n-",
        b"\r",
        b"\r\n",
        b"\r\n\r\n--",
        b"--",
    ],
)
def test_what_is_almost_a_boundary_is_content(content: bytes) -> None:
    for image in (content, b"a" + content + b"b", content * 3):
        assert read_image(FORM, whole(image), "face_image") == image


@pytest.mark.parametrize(
    "headers",
    [
        (b"content-disposition:form-data;name=face_image",),
        (b"CONTENT-DISPOSITION: form-data; filename=p; name=face_image",),
        (b"Content-Disposition: form-data; name=other", DISPOSITION),
        (b"Content-Disposition: form-data; name=face_image; filename*=UTF-8''%e2%82%ac.jpg",),
        (b'Content-Disposition: form-data; filename="a\\"; name=\\"x"; name="face_image"',),
        (b'Content-Disposition: form-data; name="face_image"; filename="%22;.jpg"',),
        ('Content-Disposition: form-data; name="face_image"; filename="фото"'.encode(),),
        (DISPOSITION, b"Content-Transfer-Encoding: binary", b"X-Other: " + b"x" * 4000),
    ],
)
def test_headers_of_a_part_may_be_written_in_any_way_browsers_do(headers: tuple[bytes, ...]) -> None:
    assert read_image(FORM, whole(b"yes", *headers), "face_image") == b"yes"


@pytest.mark.parametrize(
    "headers",
    [
        (b"X-Other: no disposition",),
        (b"Content-Disposition: form-data",),
        (b'Content-Disposition: form-data; name=""',),
        (b"Content-Disposition: form-data; name*=UTF-8''face_image",),
    ],
)
def test_a_part_without_a_name_is_no_field(headers: tuple[bytes, ...]) -> None:
    with pytest.raises(MissingField, match="face_image"):
        read_image(FORM, whole(b"no", *headers), "face_image")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (whole(b"x").replace(b"\r\n", b"\n"), "parsed"),
        (b"before\r\n" + whole(b"x"), "parsed"),
        (whole(b"x", DISPOSITION, b" folded"), "parsed"),
        (whole(b"x", *[b"A: b"] * 100_000), "parsed"),
        (whole(b"x", b"A: " + b"b" * 4_000_000), "parsed"),
        (whole(b"x", b"A" * 4_000_000 + b": b"), "parsed"),
        (part(b"x") * 2000, "1,000 parts"),
        (whole(b"eA==", DISPOSITION, b"Content-Transfer-Encoding: BASE64"), "as they are"),
    ],
    ids=["line feeds", "preamble", "folding", "many headers", "value", "name", "many parts", "base64"],
)
def test_what_no_form_needs_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(MalformedRequest, match=why):
        read_image(FORM, body, "face_image")


@pytest.mark.parametrize("kind", ["фото", "multipart/form-data; boundary=ф", "image/png; ф=1"])
def test_a_content_type_in_letters_that_none_has_is_malformed(kind: str) -> None:
    with pytest.raises(MalformedRequest, match="content type"):
        read_form(kind, b"--B--")


def test_a_form_in_a_form_is_content() -> None:
    inner = whole(b"inner", boundary=b"C")
    assert (
        read_image(FORM, whole(inner, DISPOSITION, b"Content-Type: multipart/mixed; boundary=C"), "face_image") == inner
    )


@given(st.binary(max_size=60), st.sampled_from([b"B", b"-", b"--", b"'()+_,-./:=?", b"B" * 70]))
def test_any_boundary_frames_any_content_without_it(content: bytes, boundary: bytes) -> None:
    assume(b"\r\n--" + boundary not in b"\r\n" + content)
    kind = f'multipart/form-data; boundary="{boundary.decode()}"'
    assert read_image(kind, whole(content + b"!", boundary=boundary), "face_image") == content + b"!"


LONG = b"B" * 69 + b"C"
SLOW = {
    "one letter": (b"x", b"B"),
    "carriage returns": (b"\r", b"B"),
    "line feeds": (b"\n", b"B"),
    "both": (b"\r\n", b"B"),
    "dashes": (b"\r\n--", LONG),
    "almost boundaries": (b"\r\n--" + LONG[:-1], LONG),
    "boundaries without a line": (LONG, LONG),
}


@pytest.mark.parametrize(("unit", "boundary"), SLOW.values(), ids=SLOW)
def test_twice_the_bytes_take_about_twice_the_time(unit: bytes, boundary: bytes) -> None:
    kind = f"multipart/form-data; boundary={boundary.decode()}"

    def seconds(size: int) -> float:
        body = whole(unit * (size // len(unit)), boundary=boundary)

        def once() -> float:
            start = time.process_time()
            read_form(kind, body)
            return time.process_time() - start

        return min(once() for _ in range(5))

    assert seconds(4_000_000) < 3 * seconds(2_000_000) + 0.005


def test_json_without_end_is_refused() -> None:
    for body in (b"[" * 4_000_000, b"9" * 4_000_000, b'{"image":' * 500_000, b'"' + b"\\" * 4_000_000):
        with pytest.raises(MalformedRequest):
            read_form("application/json", body)


@given(st.binary(max_size=300))
def test_any_bytes_give_an_image_or_an_error_of_ours(body: bytes) -> None:
    try:
        read_image("multipart/form-data; boundary=B", b"--B\r\n" + body, "face_image")
    except MienError:
        return


def test_a_body_that_is_not_base64_is_malformed() -> None:
    with pytest.raises(MalformedRequest):
        read_body("not base64!", is_base64=True)


def test_an_absent_body_is_empty() -> None:
    assert read_body(None, is_base64=True) == read_body(None, is_base64=False) == b""


def test_photos_of_a_person_come_in_the_order_of_their_numbers() -> None:
    names = ["additional_face_image_1", "face_image", "additional_face_image_0"]
    sent = read_form(*form([(name, ("p.jpg", name.encode())) for name in names]))
    assert read_photos(sent) == [b"face_image", b"additional_face_image_0", b"additional_face_image_1"]


@pytest.mark.parametrize("name", ["additional_face_image_4", "additional_face_image_x", "additional_face_image_"])
def test_an_image_that_would_not_be_looked_at_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameter, match=name):
        read_photos(read_form(*form([("face_image", ("p", b"1")), (name, ("p", b"2"))])))


def test_a_text_field_comes_back_as_given_and_no_larger_than_allowed() -> None:
    sent = read_form(*form([("face_image", ("p", b"1"))], {"metadata": "né\n"}))
    assert sent.text("metadata", 4) == "né\n"
    assert sent.text("other", 4) is None
    with pytest.raises(InvalidParameter, match="metadata"):
        sent.text("metadata", 3)


def test_a_text_field_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="UTF-8"):
        read_form(*form([("metadata", ("m", b"\xff\xfe"))])).text("metadata", 100)


@given(st.binary(min_size=1, max_size=500))
def test_base64_in_json_is_the_image_with_or_without_line_breaks(content: bytes) -> None:
    for text in (base64.b64encode(content).decode(), base64.encodebytes(content).decode()):
        body = json.dumps({"image": text}).encode()
        assert read_image("application/json", body, "face_image") == content


@given(st.binary(max_size=300), st.sampled_from(["multipart/form-data; boundary=B", "application/json", "image/png"]))
def test_any_body_is_read_or_refused(body: bytes, kind: str) -> None:
    with contextlib.suppress(MienError):
        assert read_image(kind, body, "face_image")


def test_a_body_that_is_an_image_is_not_two() -> None:
    with pytest.raises(MissingField, match="image1"):
        read_image("image/jpeg", b"x", "image1")


def test_four_megabytes_are_taken_in_base64_too_and_no_more() -> None:
    whole = json.dumps({"image": base64.b64encode(bytes(MAX_IMAGE_BYTES)).decode()}).encode()
    assert len(read_image("application/json", whole, "image")) == MAX_IMAGE_BYTES
    more = json.dumps({"image": base64.b64encode(bytes(MAX_IMAGE_BYTES + 1)).decode()}).encode()
    with pytest.raises(ImageTooLarge):
        read_image("application/json", more, "image")
