"""The documentation is true: links lead somewhere, commands exist, and blocks do what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import pytest

from mien import settings
from mien.adapters.key_registries import open_registry
from mien.adapters.stores import open_key_store
from mien.cli.main import mien
from mien.usecases.manage_keys import ManageKeys
from tests.functional.servers import Server
from tests.pages import INDEX, PAGES, ROOT, Block, anchors, blocks, commands, links, page_name, spans

LOCAL = "http://127.0.0.1:8000"
SHELL = ""

TOOLS = {
    "aws": "asks AWS",
    "npx": "asks npm and AWS",
    "make": "is a command of the checkout, with tests of its own",
    "git": "changes the checkout",
}
"""Shell blocks with these programs are read, not run."""

NOT_RUN = {
    "docs/deploy.md": {
        "export MIEN_KEY_STORE=dynamodb:KeysTable": "asks AWS",
    },
    "docs/migrating.md": {
        'import requests\n\nresponse = requests.post(\n    "https://emotion-detection2': "asks SmartClick",
        'response = requests.post(\n    "http://localhost:8000': "asks CompreFace",
        "import boto3": "asks Rekognition",
    },
    "docs/models.md": {
        ".venv/bin/python -m models.builder --force": "writes into the checkout; test_builder.py builds",
    },
    "docs/operating.md": {
        ".venv/bin/mien doctor https://": "asks a deployment; test_doctor.py asks a local one",
        "export MIEN_DEAD_LETTERS=": "asks AWS",
        ".venv/bin/mien faces --store dynamodb:": "asks AWS; test_cli_faces.py exports and imports",
        ".venv/bin/mien tune https://": "asks a deployment; test_tune.py asks a local one",
    },
    "docs/uploads.md": {
        'curl -X POST "$URL/uploads"': "has gaps for what the first answer says; test_local_uploads.py does it",
        "export MIEN_BATCHES=": "asks AWS; test_batch_s3.py runs it",
        "export MIEN_DEAD_LETTERS=": "asks AWS",
    },
    "docs/uploads-local.md": {
        ".venv/bin/mien batch FOLDER [": "is a synopsis; test_cli_batch.py runs it",
    },
    "docs/webhooks.md": {
        ".venv/bin/mien uploads --tenant demo webhook https://": "posts to a receiver on the internet",
        ".venv/bin/mien uploads --tenant demo webhook --curl": "needs a webhook; test_local_webhooks.py runs it",
        "import base64": "listens for ever; test_receivers.py runs it",
        "const { createHmac": "listens for ever; test_receivers.py runs it",
    },
}
"""Blocks that cannot run here, by page and beginning, and why."""


def reason_not_to_run(block: Block) -> str | None:
    for beginning, reason in NOT_RUN.get(page_name(block.page), {}).items():
        if block.text.startswith(beginning):
            return reason
    if block.language == SHELL:
        return next((TOOLS[words[0]] for words in commands(block.text) if words[0] in TOOLS), None)
    return None


BLOCKS = [block for page in PAGES for block in blocks(page)]
RUNNABLE = [block for block in BLOCKS if block.language in (SHELL, "python", "js") and not reason_not_to_run(block)]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = {INDEX}, [INDEX]
    while waiting:
        page = waiting.pop()
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target in PAGES and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language == "json"], ids=lambda block: block.name)
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_is_of_a_kind_that_is_looked_at(block: Block) -> None:
    assert block.language in (SHELL, "python", "js", "json", "mermaid")


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language == SHELL], ids=lambda block: block.name)
def test_commands_exist(block: Block) -> None:
    for words in commands(block.text):
        check_command(words)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_in_the_text_exist(page: Path) -> None:
    for span in spans(page):
        if re.match(r"(make|mien|\.venv/bin/mien) [a-z]", span):
            for words in commands(span):
                check_command(words)


def check_command(words: list[str]) -> None:
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets), words
    elif words[0] in ("mien", ".venv/bin/mien"):
        check_mien(words[1:])


def check_mien(words: list[str]) -> None:
    """Walk down the groups; every option must be one of the command that it stands after."""
    command: click.Command = mien
    for before, word in pairwise(["mien", *words]):
        option = re.match(r"\[?(--?[a-z-]+)", word)
        if option:
            known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            assert option[1] in known | {"--help"}, words
        elif isinstance(command, click.Group) and not takes_value(command, before):
            assert word in command.commands, words
            command = command.commands[word]


def takes_value(command: click.Command, option: str) -> bool:
    """Whether what stands behind a word is its value."""
    return any(option in each.opts and not getattr(each, "is_flag", False) for each in command.params)


def test_whatever_is_not_run_is_there() -> None:
    for name, beginnings in NOT_RUN.items():
        for beginning in beginnings:
            assert any(block.text.startswith(beginning) for block in blocks(ROOT / name)), (name, beginning)


@dataclass
class Laptop:
    """A folder like a checkout after `make run`, and the server."""

    home: Path
    server: Server
    key_id: str

    def run(self, language: str, text: str) -> subprocess.CompletedProcess[str]:
        text = text.replace(LOCAL, self.server.url).replace("KEY_ID", self.key_id)
        command = {
            SHELL: ["bash", "-e", "-c", 'curl() { command curl -sS --fail-with-body "$@"; echo; }\n' + text],
            "python": [sys.executable, "-c", text],
            "js": ["node", "--input-type=module", "-e", text],
        }[language]
        return subprocess.run(
            command, cwd=self.home, env=self._environment(), capture_output=True, text=True, check=False, timeout=300
        )

    def _environment(self) -> dict[str, str]:
        names = (settings.KEY_STORE, settings.GALLERY, settings.METER, settings.UPLOAD_LOG)
        return os.environ | dict.fromkeys(names, f"sqlite:{self.server.state / 'mien.sqlite'}")


@pytest.fixture
def laptop(tmp_path: Path, server: Server) -> Iterator[Laptop]:
    """Its key is of a tenant of its own, so that no page finds whom another has enrolled."""
    photos = ROOT / "docs" / "photos"
    for folder in ("people", "holidays", "var"):
        (tmp_path / folder).mkdir()
    shutil.copy(photos / "obama.jpg", tmp_path / "people" / "barack.jpg")
    for name in ("holidays/one.jpg", "photo.jpg"):
        shutil.copy(photos / "astronaut.jpg", tmp_path / name)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    keys = open_key_store(f"sqlite:{server.state / 'mien.sqlite'}")
    manage = ManageKeys(keys, open_registry("local"))
    _, secret = manage.create("the laptop's", "unlimited")
    (tmp_path / "var" / "demo-key").write_text(secret)
    key, _ = manage.create("a shop", "basic")
    yield Laptop(tmp_path, server, key.id)
    keys.close()


@pytest.mark.parametrize("page", sorted({block.page for block in RUNNABLE}), ids=page_name)
def test_what_a_page_shows_works(page: Path, laptop: Laptop) -> None:
    """The Python of a page is one program, and run first; all else in order."""
    shown = [block for block in RUNNABLE if block.page == page]
    program = "".join(block.text for block in shown if block.language == "python")
    others = [(block.name, block.language, block.text) for block in shown if block.language != "python"]
    for name, language, text in [("Python", "python", program), *others]:
        done = laptop.run(language, text)
        assert done.returncode == 0, f"{name}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
