"""The playground as a person has it."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import ExifTags
from PIL.Image import Exif
from playwright.sync_api import Locator, Page, Route, expect

from bench.server import Server
from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from mien.domain.plans import Feature
from tests.browser.conftest import OpenPage
from tests.conftest import PHOTOS, pillow, saved

Photo = Callable[[str], bytes]


def choose(where: Locator, *names: str) -> None:
    where.locator("input[type=file]").set_input_files([PHOTOS / f"{name}.jpg" for name in names])


def boxes(where: Locator) -> list[list[float]]:
    """The boxes drawn, as x1, y1, x2, y2 in pixels of the photo."""
    sides = where.locator("rect.box").evaluate_all(
        "all => all.map(each => ['x', 'y', 'width', 'height'].map(name => Number(each.getAttribute(name))))"
    )
    return [[x, y, x + width, y + height] for x, y, width, height in sides]


def panel(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel", name=name, exact=True)


def test_a_chosen_photo_comes_back_with_its_faces_drawn_where_the_api_says(
    page: Page, server: Server, photo: Photo
) -> None:
    analytics = panel(page, "Analytics")
    with page.expect_file_chooser() as chooser:
        analytics.get_by_text("Choose a photo").click()
    chooser.value.set_files(PHOTOS / "astronaut.jpg")
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")

    answer = server.analyse(photo("astronaut")).json()
    (face,) = answer["faces"]
    assert boxes(analytics) == [face["bounding_box"]]
    size = answer["image"]
    assert analytics.locator("svg").get_attribute("viewBox") == f"0 0 {size['width']} {size['height']}"
    points = analytics.locator("circle").evaluate_all(
        "all => all.map(each => ['cx', 'cy'].map(name => Number(each.getAttribute(name))))"
    )
    assert points == list(face["landmarks"].values())
    shown, drawn = analytics.locator("img").bounding_box(), analytics.locator("svg").bounding_box()
    assert shown == drawn
    expect(analytics.locator("svg text")).to_have_text("1 · 30, female, happy")


def test_a_card_says_everything_that_is_known_of_a_face(page: Page, server: Server, photo: Photo) -> None:
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    card = analytics.get_by_role("article", name="Face 1")
    (face,) = server.analyse(photo("astronaut")).json()["faces"]
    expect(card).to_contain_text("about 30, likely 21 to 42")
    expect(card).to_contain_text("female, 64 %")
    expect(card).to_contain_text("looks live, 98 %")
    expect(card).to_contain_text(f"yaw {face['pose']['yaw']}°, pitch {face['pose']['pitch']}°")
    expect(card).to_contain_text(f"Quality, {face['quality']['face_size_px']} pixels across")
    bars = card.locator(".measure")
    assert bars.count() == len(face["emotion"]["sentiments"]) + 3
    happy = bars.filter(has_text="happy").locator(".bar").evaluate("bar => bar.style.getPropertyValue('--share')")
    assert float(happy) == face["emotion"]["sentiments"]["happy"]


def test_a_face_that_may_be_a_minors_says_so(page: Page, server: Server, photo: Photo) -> None:
    body = server.analyse(photo("astronaut")).json()
    body["faces"][0]["may_be_minor"] = True
    page.route("**/face_analytics", lambda route: route.fulfill(json=body))
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.get_by_role("article", name="Face 1")).to_contain_text("to 42, perhaps a minor")


def test_timing_quota_json_and_code_are_told_and_the_key_is_not(page: Page, server: Server) -> None:
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.locator(".timing")).to_have_text(re.compile(r"Answered in \d+ ms, of which the API took \d+\."))
    expect(page.locator("#key-said")).to_have_text(re.compile(r"^\d+ calls? this month, no limit$"))
    analytics.get_by_text("Answer as JSON").click()
    expect(analytics.get_by_label("The answer as JSON")).to_contain_text('"face_count": 1')
    analytics.get_by_text("This call in code").click()
    for language, words in {
        "cURL": f'curl -X POST "{server.url}/api/v1/face_analytics"',
        "Python": "requests.post(",
        "JavaScript": "await fetch(",
    }.items():
        analytics.get_by_role("tab", name=language).click()
        code = analytics.get_by_label(f"The call in {language}")
        expect(code).to_contain_text(words)
        expect(code).to_contain_text("YOUR_KEY")
    assert server.key not in page.content()


def test_a_photo_may_be_dropped(page: Page, photo: Photo) -> None:
    analytics = panel(page, "Analytics")
    hand_over(analytics.locator(".drop"), "drop", "dataTransfer", photo("coffee"))
    expect(analytics.get_by_role("status")).to_contain_text("No face was found.")
    expect(analytics.locator(".frame")).to_be_visible()
    assert boxes(analytics) == []
    expect(analytics.get_by_role("alert")).to_be_hidden()


def test_a_photo_may_be_pasted(page: Page, photo: Photo) -> None:
    hand_over(page.locator("body"), "paste", "clipboardData", photo("obama"))
    expect(panel(page, "Analytics").get_by_role("status")).to_have_text("1 face found.")


def hand_over(where: Locator, event: str, field: str, data: bytes) -> None:
    where.evaluate(
        """(element, [event, field, base64]) => {
            const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "handed over.jpg", { type: "image/jpeg" }));
            const Kind = event === "drop" ? DragEvent : ClipboardEvent;
            element.dispatchEvent(new Kind(event, { [field]: data, bubbles: true, cancelable: true }));
        }""",
        [event, field, base64.b64encode(data).decode()],
    )


def test_a_photo_may_be_taken(open_page: OpenPage) -> None:
    page = open_page(permissions=["camera"])
    analytics = panel(page, "Analytics")
    analytics.get_by_role("button", name="Use the camera").click()
    camera = page.get_by_role("dialog", name="Camera")
    camera.get_by_role("button", name="Take the photo").click()
    expect(camera).to_be_hidden()
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")


def test_a_camera_that_is_refused_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(permissions=[])
    page.get_by_role("tabpanel").get_by_role("button", name="Use the camera").click()
    camera = page.get_by_role("dialog", name="Camera")
    expect(camera.get_by_role("alert")).to_contain_text("choose a photo instead")
    page.keyboard.press("Escape")
    expect(camera).to_be_hidden()


def test_sentiments_of_every_face_are_told(page: Page, six_people_jpeg: bytes) -> None:
    emotion = panel(page, "Emotion")
    file = {"name": "six.jpg", "mimeType": "image/jpeg", "buffer": six_people_jpeg}
    emotion.locator("input[type=file]").set_input_files(file)
    expect(emotion.get_by_role("status")).to_have_text("6 faces found.")
    expect(emotion.get_by_role("article")).to_have_count(6)
    assert len(boxes(emotion)) == 6


def test_a_wrong_key_is_told_at_the_key_and_mended_without_choosing_again(open_page: OpenPage, server: Server) -> None:
    page = open_page(key=False)
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.get_by_role("alert")).to_have_text("Type or paste your key first.")
    key = page.get_by_label("Your key")
    expect(key).to_be_focused()
    key.fill("mien_wrong")
    key.press("Enter")
    expect(page.locator("#key-said")).to_have_text("This key is not known here. Check that you pasted all of it.")
    key.fill(server.key)
    key.press("Enter")
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")
    expect(analytics.get_by_role("alert")).to_be_hidden()


def test_a_file_that_is_no_photo_is_refused_in_words(page: Page) -> None:
    analytics = panel(page, "Analytics")
    file = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"some text"}
    analytics.locator("input[type=file]").set_input_files(file)
    expect(analytics.get_by_role("alert")).to_contain_text("The file is not a JPEG, PNG or WebP image.")
    expect(analytics.locator(".frame")).to_be_hidden()


def test_a_photo_that_is_too_large_is_told_before_it_is_sent_and_may_be_shrunk(page: Page, photo: Photo) -> None:
    analytics = panel(page, "Analytics")
    file = {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": photo("obama") + bytes(5 * 1024 * 1024)}
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "face_analytics" in request.url else None)
    analytics.locator("input[type=file]").set_input_files(file)
    expect(analytics.get_by_role("alert")).to_contain_text("This photo has 5.1 MB; at most 4.0 MB may be sent.")
    assert sent == []
    analytics.get_by_role("button", name="Shrink and send").click()
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")
    assert len(sent) == 1


def test_an_api_that_does_not_answer_is_told(page: Page) -> None:
    page.route("**/face_analytics", lambda route: route.fulfill(status=504, body="<html>"))
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.get_by_role("alert")).to_contain_text("The API answered 504.")


@pytest.mark.parametrize(("second", "verdict"), [("obama2", "The same person."), ("biden", "Two different people.")])
def test_two_photos_are_compared(page: Page, second: str, verdict: str) -> None:
    compare = panel(page, "Compare")
    choose(compare.get_by_role("group", name="First photo"), "obama")
    expect(compare.get_by_role("status")).to_have_text("Now the second photo.")
    choose(compare.get_by_role("group", name="Second photo"), second)
    expect(compare.get_by_role("status")).to_have_text(verdict)
    assert len(boxes(compare)) == 2
    expect(compare.get_by_role("article")).to_have_count(2)


def test_a_photo_without_a_face_cannot_be_compared_and_it_is_told_which(page: Page) -> None:
    compare = panel(page, "Compare")
    choose(compare.get_by_role("group", name="First photo"), "obama")
    choose(compare.get_by_role("group", name="Second photo"), "coffee")
    expect(compare.get_by_role("alert")).to_contain_text("second image")


def test_a_person_is_enrolled_recognised_listed_and_deleted(page: Page) -> None:
    people = panel(page, "People")
    people.get_by_label("Collection").fill("playground")
    people.get_by_label("Collection").press("Tab")
    expect(people.get_by_text("Nobody is enrolled here yet.")).to_be_visible()
    enrol, recognise, listed = (
        people.get_by_role("region", name=name, exact=True) for name in ("Enrol", "Recognise", "Enrolled")
    )

    enrol.get_by_role("button", name="Enrol").click()
    expect(enrol.get_by_role("alert")).to_contain_text("Give the person a name first")
    enrol.get_by_label("Name or number (uid)").fill("barack")
    choose(enrol, "obama", "obama2")
    enrol.get_by_role("button", name="Enrol").click()
    expect(enrol.get_by_role("status")).to_have_text("2 photos enrolled as barack.")
    row = listed.get_by_role("row", name="barack")
    expect(row.get_by_role("cell").first).to_have_text("2")

    enrol.get_by_role("button", name="Enrol").click()
    expect(enrol.get_by_role("alert")).to_contain_text("barack is enrolled already.")
    enrol.get_by_role("button", name="Replace the photos").click()
    expect(enrol.get_by_role("status")).to_have_text("2 photos enrolled as barack.")

    choose(recognise, "obama3")
    expect(recognise.locator("svg text")).to_have_text(re.compile("barack"))
    choose(recognise, "biden")
    expect(recognise.locator("svg text")).to_have_text(re.compile("unknown"))

    row.get_by_role("button", name="Delete barack").click()
    confirm = page.get_by_role("dialog", name="Delete this person?")
    confirm.get_by_role("button", name="Cancel").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete barack").click()
    confirm.get_by_role("button", name="Delete").click()
    expect(row).to_be_hidden()
    expect(listed.get_by_role("status")).to_contain_text("barack was deleted.")
    choose(recognise, "obama3")
    expect(recognise.locator("svg text")).to_have_text(re.compile("unknown"))


def test_the_key_is_kept_where_asked_and_nowhere_else(page: Page, server: Server) -> None:
    assert page.url == f"{server.url}/"
    stores = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
    assert server.key not in page.evaluate(stores)
    page.reload()
    expect(page.get_by_label("Your key")).to_have_value("")
    page.get_by_label("Your key").fill(server.key)
    page.get_by_label("Remember for this tab").check()
    page.reload()
    expect(page.get_by_label("Your key")).to_have_value(server.key)
    page.get_by_label("Remember for this tab").uncheck()
    assert server.key not in page.evaluate(stores)


def test_the_playground_is_served_with_and_without_the_stage(open_page: OpenPage) -> None:
    for path in ("/api/", "/api"):
        page = open_page(path)
        choose(panel(page, "Analytics"), "astronaut")
        expect(panel(page, "Analytics").get_by_role("status")).to_have_text("1 face found.")


def test_a_photo_that_lies_on_its_side_is_shown_upright_with_its_boxes(page: Page, server: Server) -> None:
    on_its_side = pillow((PHOTOS / "astronaut.jpg").read_bytes()).crop((0, 0, 512, 400)).rotate(90, expand=True)
    exif = Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = saved(on_its_side, "JPEG", exif=exif)
    analytics = panel(page, "Analytics")
    file = {"name": "side.jpg", "mimeType": "image/jpeg", "buffer": data}
    analytics.locator("input[type=file]").set_input_files(file)
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")
    answer = server.analyse(data).json()
    assert answer["image"] == {"width": 512, "height": 400}
    assert analytics.locator("img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [512, 400]
    assert boxes(analytics) == [answer["faces"][0]["bounding_box"]]
    emotion = panel(page, "Emotion")
    emotion.locator("input[type=file]").set_input_files(file)
    expect(emotion.get_by_role("status")).to_have_text("1 face found.")
    assert boxes(emotion) == [pytest.approx(answer["faces"][0]["bounding_box"], abs=1)]


def test_of_two_photos_in_a_hurry_the_last_is_told_and_the_first_given_up(page: Page) -> None:
    analytics = panel(page, "Analytics")
    unanswered: list[Route] = []
    page.route("**/face_analytics", lambda route: route.continue_() if unanswered else unanswered.append(route))
    with page.expect_request("**/face_analytics"):
        choose(analytics, "astronaut")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/face_analytics")):
        choose(analytics, "coffee")
    expect(analytics.get_by_role("status")).to_contain_text("No face was found.")
    expect(analytics.get_by_role("img", name="Your photo, coffee.jpg")).to_be_visible()


def test_the_calls_shown_can_be_made(page: Page, server: Server, tmp_path: Path) -> None:
    uid = 'O\'Brien "$HOME" `x`'
    enrol = panel(page, "People").get_by_role("region", name="Enrol", exact=True)
    enrol.get_by_label("Name or number (uid)").fill(uid)
    choose(enrol, "biden")
    enrol.get_by_role("button", name="Enrol", exact=True).click()
    expect(enrol.get_by_role("status")).to_have_text(f"1 photo enrolled as {uid}.")
    shutil.copy(PHOTOS / "biden.jpg", tmp_path)
    (tmp_path / "files.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        'export default [new File([readFileSync("biden.jpg")], "biden.jpg", { type: "image/jpeg" })];\n'
    )
    programs = {
        "cURL": ("bash", "", ".sh"),
        "Python": (sys.executable, "", ".py"),
        "JavaScript": ("node", 'import files from "./files.mjs";\n', ".mjs"),
    }
    for language, (program, before, suffix) in programs.items():
        code = enrol.locator(f"pre[aria-label='The call in {language}']").text_content()
        assert "YOUR_KEY" in code
        (tmp_path / f"call{suffix}").write_text(before + code.replace("YOUR_KEY", server.key))
        command = [program, f"call{suffix}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "already_registered" in done.stdout, language


def test_a_link_hands_a_key_over_only_to_a_server_on_this_machine(open_page: OpenPage, server: Server) -> None:
    page = open_page(home=server.url.replace("127.0.0.1", "elsewhere.localhost"))
    expect(page.get_by_label("Your key")).to_have_value("")
    assert server.key not in page.url


@pytest.fixture
def modest_key(server: Server) -> Iterator[str]:
    """On the plan of a hundred calls, without age and emotion."""
    with contextlib.closing(SqliteKeyStore(server.state / "mien.sqlite")) as keys:
        secret = "mien_modest"
        without = frozenset({Feature.AGE, Feature.EMOTION})
        now = datetime.now(UTC)
        keys.put(
            ApiKey(hash_secret(secret), "modest", "modest", "modest", "free", KeyStatus.ACTIVE, now, without=without)
        )
        yield secret


def test_what_is_left_of_a_month_is_told_and_what_is_switched_off_is_not(open_page: OpenPage, modest_key: str) -> None:
    page = open_page(key=False)
    page.get_by_label("Your key").fill(modest_key)
    page.get_by_label("Your key").press("Enter")
    expect(page.locator("#key-said")).to_have_text("Plan free. 100 calls left of 100 this month")
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(page.locator("#key-said")).to_have_text("99 calls left of 100 this month")
    card = analytics.get_by_role("article", name="Face 1")
    expect(card).to_contain_text("Gender")
    expect(card).not_to_contain_text("Age")
    expect(card).not_to_contain_text("Sentiments")
    emotion = panel(page, "Emotion")
    choose(emotion, "astronaut")
    expect(emotion.get_by_role("alert")).to_contain_text("This key does not have emotion.")
