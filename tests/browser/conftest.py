"""Debian's Chromium on the local server: pages that must be quiet, and must ask nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from bench.server import Server, start, stop
from mien import settings
from tests.conftest import PHOTOS

CHROMIUM = shutil.which("chromium")
CAMERA_FPS = 10
SECONDS = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("var"), settings.CHECKOUT / "functions")
    yield running
    stop(running)


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of one person who sits still."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    done, frame = cv2.imencode(".jpg", cv2.resize(cv2.imread(str(PHOTOS / "obama.jpg")), (640, 480)))
    assert done
    film.write_bytes(frame.tobytes() * CAMERA_FPS)
    return film


@pytest.fixture(scope="module")
def chromium(camera: Path) -> Iterator[Browser]:
    """Ended with its module: while Playwright runs, so does an event loop of its own, beside which no other may."""
    switches = [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        "--disable-dev-shm-usage",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


class Watch:
    """What a page said to the console, and what it asked of others."""

    def __init__(self, page: Page, home: str) -> None:
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        self._home = home
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self._see(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium itself tells of every refusal of the API.
        refused = "the server responded with a status of" in message.text and "/v1/" in message.location["url"]
        if message.type in ("error", "warning") and not refused:
            self.said.append(message.text)

    def _see(self, url: str) -> None:
        if not url.startswith((f"{self._home}/", "blob:", "data:")):
            self.elsewhere.append(url)


@pytest.fixture
def open_page(chromium: Browser, server: Server) -> Iterator[OpenPage]:
    """Open the playground, or another path, with the demo key unless told otherwise."""
    opened: list[tuple[Page, Watch]] = []

    def open_page(path: str = "/", key: bool = True, home: str = server.url, **options: object) -> Page:
        context = chromium.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        opened.append((page, Watch(page, home)))
        # Choosers are told of from the start: asked for just before a key is pressed, the key may come first.
        page.on("filechooser", lambda _: None)
        page.goto(home + path + (f"#key={server.key}" if key else ""))
        return page

    yield open_page
    for page, watch in opened:
        page.context.close()
        assert watch.said == []
        assert watch.elsewhere == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The playground, with the key."""
    return open_page()
