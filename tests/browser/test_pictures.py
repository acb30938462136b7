"""The playground's pictures in the docs. `make screenshots` puts them there; a test run only tries."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from mien import settings
from tests.browser.conftest import OpenPage
from tests.browser.test_playground import choose, panel

DOCS = settings.CHECKOUT / "docs"
MOST_BYTES = 300_000
DESKTOP, PHONE = {"width": 1100, "height": 780}, {"width": 360, "height": 780}
PICTURES = {
    "playground": {"viewport": DESKTOP, "color_scheme": "light"},
    "playground-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "playground-phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 1.5},
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_taken(open_page: OpenPage, tmp_path: Path, name: str) -> None:
    page = open_page(**PICTURES[name])
    analytics = panel(page, "Analytics")
    choose(analytics, "astronaut")
    expect(analytics.get_by_role("article", name="Face 1")).to_be_visible()
    if PICTURES[name]["viewport"] is PHONE:
        analytics.locator(".frame").evaluate("frame => frame.scrollIntoView()")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    file = Path(os.environ.get("MIEN_PICTURES", tmp_path)) / f"{name}.png"
    file.parent.mkdir(exist_ok=True)
    picture.convert("RGB").quantize(256).save(file, optimize=True)
    assert 20_000 < file.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("name", PICTURES)
def test_the_docs_have_the_picture(name: str) -> None:
    with Image.open(DOCS / "pictures" / f"{name}.png") as picture:
        assert picture.width >= PICTURES[name]["viewport"]["width"]
    pages = [settings.CHECKOUT / "README.md", *DOCS.rglob("*.md")]
    assert any(f"pictures/{name}.png" in page.read_text(encoding="utf-8") for page in pages)
