"""The pages as they are served: whole, small, and under a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from mien.http import about, pages
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.pages import Page
from mien.openapi.operations import OPERATIONS

PLAYGROUND, REFERENCE = pages.playground("/api"), pages.reference("/api")
EITHER = pytest.mark.parametrize("page", [PLAYGROUND, REFERENCE], ids=["playground", "reference"])


def policy(page: Page) -> dict[str, str]:
    return dict(each.split(" ", 1) for each in page.headers["content-security-policy"].split("; "))


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@EITHER
def test_the_policy_allows_what_the_page_holds_and_nothing_else(page: Page) -> None:
    allowed = policy(page)
    styles = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page.html, re.DOTALL)
    assert [allowed["style-src"]] == [hashed(style) for style in styles]
    assert [allowed["script-src"]] == ([hashed(script) for script in scripts] or ["'none'"])
    for source in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert allowed[source] == "'none'"
    assert " style=" not in page.html
    assert not re.search(r" on[a-z]+=", page.html)


@EITHER
def test_nothing_on_a_page_is_fetched_from_elsewhere(page: Page) -> None:
    fetched = re.findall(r"""(?:src|href|action)=["']([^"'{$]*)""", page.html)
    assert fetched
    assert {each for each in fetched if not each.startswith(("#", "/api/", "data:"))} == set()
    assert "url(" not in page.html
    assert "@import" not in page.html


@EITHER
def test_a_page_says_what_it_is_and_what_a_browser_may_do_with_it(page: Page) -> None:
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "microphone=()" in page.headers["permissions-policy"]
    assert page.headers["etag"] == page.tag
    assert re.fullmatch(r"public, max-age=\d{1,3}", page.headers["cache-control"])


def test_only_the_playground_may_use_the_camera() -> None:
    assert "camera=(self)" in PLAYGROUND.headers["permissions-policy"]
    assert "camera=()" in REFERENCE.headers["permissions-policy"]


def test_the_pages_are_small() -> None:
    assert len(PLAYGROUND.html.encode()) < 60_000
    assert len(REFERENCE.html.encode()) < 200_000


def test_the_modules_are_one_script_without_words_that_only_modules_have() -> None:
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", PLAYGROUND.html, re.DOTALL)
    assert len(script) > 10_000
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_every_module_is_in_the_script_after_those_it_needs() -> None:
    folder = about.files("mien").joinpath("playground")
    assert {f"{name}.js" for name in pages.MODULES} == {
        file.name for file in folder.iterdir() if file.name.endswith(".js")
    }
    seen: set[str] = set()
    for name in pages.MODULES:
        text = folder.joinpath(f"{name}.js").read_text(encoding="utf-8")
        assert set(re.findall(r'^import .* from "\./(\w+)\.js";$', text, re.MULTILINE)) <= seen
        seen.add(name)


@pytest.mark.parametrize("stage", ["/api", "", "/faces"])
def test_a_page_finds_its_api_where_it_is_served(stage: str) -> None:
    page = pages.playground(stage)
    assert f'data-stage="{stage}"' in page.html
    assert f'href="{stage}/docs"' in page.html
    assert f'href="{stage}/v1/openapi.json"' in pages.reference(stage).html


def test_a_path_cannot_become_markup() -> None:
    for page in (pages.playground('"><script>'), pages.reference('"><script>')):
        assert '"><script>' not in page.html


def test_the_playground_knows_how_large_a_photo_may_be() -> None:
    assert f'data-max-bytes="{MAX_IMAGE_BYTES}"' in PLAYGROUND.html


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_reference_has_every_route_with_its_errors(operation: object) -> None:
    document = json.loads(about.openapi_document())
    name = operation.name
    (section,) = re.findall(rf'<section class="operation" aria-labelledby="{name}">.*?</section>', REFERENCE.html, re.S)
    said = next(
        each for methods in document["paths"].values() for each in methods.values() if each["operationId"] == name
    )
    assert f'href="#{name}"' in REFERENCE.html
    for status, answer in said["responses"].items():
        assert status in section
        assert all(f"<code>{code}</code>" in section for code in re.findall(r"`(\w+)`:", answer["description"]))
    assert all(f"<code>{parameter['name']}</code>" in section for parameter in said.get("parameters", ()))
    assert all(f"<code>{media}</code>" in section for media in said.get("requestBody", {}).get("content", ()))


def test_the_reference_has_the_fields_of_faces_whole() -> None:
    document = json.loads(about.openapi_document())
    (section,) = re.findall(
        r'<section class="operation" aria-labelledby="face_analytics">.*?</section>', REFERENCE.html, re.S
    )
    for field in document["components"]["schemas"]["Face"]["properties"]:
        assert f"<code>{field}</code>" in section
    assert "$ref" not in REFERENCE.html
    assert "`" not in re.sub(r"<pre.*?</pre>", "", REFERENCE.html, flags=re.S)
