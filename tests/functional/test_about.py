"""What Mien says of itself, and to whom."""

from __future__ import annotations

import json

import pytest
import requests

from mien import __version__, settings
from mien.http.about import DOCUMENT_NAME
from mien.http.routes import PLAYGROUND
from mien.local.environment import LocalContext
from mien.local.events import HttpRequest, proxy_event
from tests.functional.servers import Server


def get(server: Server, path: str, key: str | None = None) -> requests.Response:
    headers = {"x-key-secret": key} if key else {}
    return requests.get(f"{server.url}/api/v1{path}", headers=headers, timeout=60)


def test_health_tells_the_version_to_everyone(server: Server) -> None:
    answer = get(server, "/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "success", "version": __version__})
    assert answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert not any(name.startswith("x-usage") for name in answer.headers)


def test_a_wrong_key_is_nothing_to_a_public_route(server: Server) -> None:
    assert get(server, "/health", key="wrong").status_code == 200


def test_a_public_route_refuses_parameters_that_it_does_not_know(server: Server) -> None:
    assert get(server, "/health?verbose=1").json()["error"]["code"] == "invalid_parameter"


def test_the_openapi_document_is_the_packaged_one(server: Server) -> None:
    answer = get(server, "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    packaged = settings.CHECKOUT / "layers" / "mien" / "http" / DOCUMENT_NAME
    assert answer.json() == json.loads(packaged.read_text(encoding="utf-8"))


def test_the_models_are_told_to_whoever_has_a_key(server: Server) -> None:
    assert get(server, "/models").status_code == 401
    models = get(server, "/models", key=server.key).json()["models"]
    manifest = json.loads((settings.CHECKOUT / "models" / "manifest.json").read_text(encoding="utf-8"))
    assert [(each["id"], each["tasks"], each["sha256"]) for each in models] == [
        (each["id"], each["tasks"], each["sha256"]) for each in manifest["models"]
    ]
    for model in models:
        assert model["licence"]["commercial_use"] is True
        assert len(model["input"]["shape"]) == 4
        assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in model["accuracy"])
    assert all(model["accuracy"] for model in models if {"embedding", "expression"} & set(model["tasks"]))


@pytest.mark.parametrize(("path", "title"), [("/", "Mien playground"), ("/docs", "Mien reference")])
def test_a_page_is_told_to_everyone_once(server: Server, path: str, title: str) -> None:
    answer = requests.get(server.url + path, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<title>{title}</title>" in answer.text
    assert "script-src" in answer.headers["content-security-policy"]
    assert 'href="/api/' in answer.text
    again = requests.get(server.url + path, headers={"if-none-match": answer.headers["etag"]}, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(("asked", "stage"), [("/api/", "/api"), ("/api", "/api"), ("/", ""), ("/faces/", "/faces")])
def test_a_page_takes_its_place_from_the_url_that_its_caller_wrote(load_handler, store, asked, stage) -> None:
    """As on AWS: with the stage, or behind a domain that is mapped to it."""
    event = proxy_event(HttpRequest("r", "GET", PLAYGROUND.url_path, "", (), b"", "127.0.0.1"), PLAYGROUND, None)
    event["requestContext"]["path"] = asked
    state = store.removeprefix("sqlite:").rpartition("/")[0]
    account = load_handler("account", MIEN_METER=store, MIEN_UPLOAD_LOG=store, MIEN_PHOTOS=f"folder:{state}#http://x")
    body = account.lambda_handler(event, LocalContext("account", "r"))["body"]
    assert f'data-stage="{stage}"' in body
