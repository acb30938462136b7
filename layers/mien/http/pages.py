"""The pages for people: one answer each, without a request to anywhere else, under a policy that allows no more.

The playground is plain HTML, CSS and ES modules in mien/playground, put together here; the reference is made of the
OpenAPI document.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

from mien.http import about
from mien.http.limits import MAX_IMAGE_BYTES
from mien.http.reference import reference_html

MODULES = ("dom", "api", "calls", "camera", "drop", "faces", "look", "compare", "people", "main")
"""Each needs only those before it."""

_SCRIPT_WORDS = re.compile(r"^import .*\n|^export (?=\w)", re.MULTILINE)
_SECONDS_KEPT = 300


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page, what its headers say, and by which tag it is known again."""

    html: str
    headers: Mapping[str, str]
    tag: str


@cache
def playground(stage: str) -> Page:
    """The playground of a stage at this path."""
    shell = _read("index.html").replace("{stage}", escape(stage)).replace("{max_bytes}", str(MAX_IMAGE_BYTES))
    return _page(shell, _read("style.css"), _script(), camera=True)


@cache
def reference(stage: str) -> Page:
    """The reference of a stage at this path."""
    shell = reference_html(json.loads(about.openapi_document()), stage)
    return _page(shell, _read("style.css") + _read("reference.css"))


def _page(shell: str, style: str, script: str = "", camera: bool = False) -> Page:
    html = shell.replace("{style}", style).replace("{script}", script)
    tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
    policy = {
        "default-src": "'none'",
        "script-src": _hashed(script) if script else "'none'",
        "style-src": _hashed(style),
        "img-src": "'self' blob: data:",
        "connect-src": "'self'" if script else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "permissions-policy": f"camera={'(self)' if camera else '()'}, microphone=(), geolocation=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": f"public, max-age={_SECONDS_KEPT}",
        "etag": tag,
    }
    return Page(html, headers, tag)


def _script() -> str:
    """The modules as one, which needs no second request."""
    return "".join(_SCRIPT_WORDS.sub("", _read(f"{name}.js")) for name in MODULES)


def _hashed(text: str) -> str:
    """How a policy allows exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("mien").joinpath("playground", name).read_text(encoding="utf-8")
