"""The pages for those who use a keyboard, a screen reader, a phone, or the dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from bench.server import Server
from tests.browser.conftest import OpenPage
from tests.browser.test_playground import choose, panel
from tests.conftest import PHOTOS

SERIOUS = {"serious", "critical"}
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
PHONE = {"width": 360, "height": 740}


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in SERIOUS]


def fill_everything(page: Page) -> None:
    """Answers in every tab, with everything unfolded."""
    choose(panel(page, "Analytics"), "astronaut")
    choose(panel(page, "Emotion"), "astronaut")
    compare = panel(page, "Compare")
    choose(compare.get_by_role("group", name="First photo"), "obama")
    choose(compare.get_by_role("group", name="Second photo"), "biden")
    people = panel(page, "People")
    people.get_by_label("Name or number (uid)").fill("eileen")
    choose(people.get_by_role("region", name="Enrol", exact=True), "astronaut")
    people.get_by_role("button", name="Enrol", exact=True).click()
    expect(people.get_by_role("button", name="Delete eileen")).to_be_visible()
    choose(people.get_by_role("region", name="Recognise"), "coffee")
    for summary in ("Answer as JSON", "This call in code"):
        page.locator("details").filter(has_text=summary).evaluate_all("all => all.forEach(each => (each.open = true))")


@SCHEMES
def test_axe_finds_nothing_serious_in_any_tab(open_page: OpenPage, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    assert serious(page) == []
    fill_everything(page)
    for tab in ("Analytics", "Emotion", "Compare", "People"):
        here = panel(page, tab)
        expect(here.get_by_role("status").first).not_to_have_text("Looking…")
        assert serious(page) == [], tab
    page.get_by_role("button", name="Delete eileen").click()
    assert serious(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Delete eileen")).to_be_hidden()


@SCHEMES
def test_axe_finds_nothing_serious_in_errors(open_page: OpenPage, scheme: str) -> None:
    page = open_page(key=False, color_scheme=scheme)
    choose(panel(page, "Analytics"), "astronaut")
    page.get_by_label("Your key").fill("wrong")
    page.get_by_label("Your key").press("Enter")
    expect(page.locator("#key-said")).to_contain_text("not known")
    assert serious(page) == []


@SCHEMES
def test_axe_finds_nothing_serious_in_the_reference(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/docs", key=False, color_scheme=scheme)
    expect(page.get_by_role("heading", name="Find the faces of a photo")).to_be_visible()
    page.locator(".operation").first.locator("details").evaluate_all("all => all.forEach(each => (each.open = true))")
    assert serious(page) == []


def test_everything_can_be_done_from_the_keyboard(open_page: OpenPage, server: Server) -> None:
    page = open_page(key=False)
    keyboard = page.keyboard
    keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the photos")).to_be_focused()
    tab_to(page, page.get_by_label("Your key"))
    keyboard.type(server.key)
    keyboard.press("Enter")
    expect(page.locator("#key-said")).to_contain_text("Plan unlimited.")

    tab_to(page, page.get_by_role("tab", name="Analytics"))
    keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Emotion")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Emotion")).to_be_visible()
    keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="People")).to_be_visible()
    keyboard.press("ArrowRight")
    analytics = page.get_by_role("tabpanel", name="Analytics")
    expect(analytics).to_be_visible()

    tab_to(page, analytics.locator("input[type=file]"))
    with page.expect_file_chooser() as chooser:
        keyboard.press("Space")
    chooser.value.set_files(PHOTOS / "astronaut.jpg")
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")
    tab_to(page, analytics.get_by_text("Answer as JSON"))
    keyboard.press("Enter")
    expect(analytics.get_by_label("The answer as JSON")).to_be_visible()


def test_a_person_is_enrolled_and_deleted_from_the_keyboard(page: Page) -> None:
    keyboard = page.keyboard
    tab_to(page, page.get_by_role("tab", name="Analytics"))
    keyboard.press("End")
    people = page.get_by_role("tabpanel", name="People")
    tab_to(page, people.get_by_label("Name or number (uid)"))
    keyboard.type("barack")
    tab_to(page, people.locator("input[type=file]").first)
    with page.expect_file_chooser() as chooser:
        keyboard.press("Space")
    chooser.value.set_files(PHOTOS / "obama.jpg")
    tab_to(page, people.get_by_role("button", name="Enrol", exact=True))
    keyboard.press("Enter")
    delete = people.get_by_role("button", name="Delete barack")
    expect(delete).to_be_visible()
    tab_to(page, delete)
    keyboard.press("Enter")
    confirm = page.get_by_role("dialog", name="Delete this person?")
    expect(confirm.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(delete).to_be_hidden()
    expect(people.get_by_text("barack was deleted.")).to_be_focused()


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus, which must be seen to have it."""
    for _ in range(40):
        if wanted.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()
    ring = "element => getComputedStyle(element.closest('label.button') ?? element).outlineStyle"
    assert wanted.evaluate(ring) != "none"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_on_a_phone_nothing_is_cut_off(open_page: OpenPage, path: str) -> None:
    page = open_page(path, viewport=PHONE, has_touch=True, is_mobile=True)
    if path == "/":
        fill_everything(page)
        tabs = page.locator("main > [role=tablist] [role=tab]").all()
        places = [tab.bounding_box() for tab in tabs]
        assert all(0 <= place["x"] <= PHONE["width"] - place["width"] for place in places)
        assert all(place["height"] >= 24 for place in places)
        for tab in tabs:
            tab.click()
            assert fits(page)
    else:
        page.locator("details").evaluate_all("all => all.forEach(each => (each.open = true))")
        assert fits(page)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_pages_are_dark_where_the_reader_wants_it(open_page: OpenPage) -> None:
    for path in ("/", "/docs"):
        page = open_page(path, color_scheme="dark")
        assert lightness(page) < 60
        page.emulate_media(color_scheme="light")
        assert lightness(page) > 200


def lightness(page: Page) -> float:
    """Of what is behind everything, to 255."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))
    return (red + green + blue) / 3


def test_a_screen_reader_hears_what_was_found(page: Page, photo: Callable[[str], bytes]) -> None:
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.get_by_role("status")).to_have_text("1 face found.")
    expect(analytics.get_by_role("img", name="Boxes: 1 · 30, female, happy")).to_be_visible()
    expect(analytics.get_by_role("img", name="Your photo, astronaut.jpg")).to_be_visible()
    expect(analytics.get_by_role("heading", name="Face 1")).to_be_visible()
