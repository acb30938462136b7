"""The pages of the documentation, as their tests read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mien import settings

ROOT = settings.CHECKOUT
INDEX = ROOT / "docs" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "models" / "cards").glob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block; its language is empty where none is named."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{page_name(self.page)}:{self.line}"

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def _inline(page: Path) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or ()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    return [
        Block(page, token.map[0] + 1, token.info.strip(), token.content)
        for token in _tokens(page)
        if token.type == "fence" and token.map
    ]


def links(page: Path) -> list[str]:
    """Where links and pictures of a page lead."""
    targets = (token.attrGet("href") or token.attrGet("src") for token in _inline(page))
    return [str(target) for target in targets if target]


def spans(page: Path) -> list[str]:
    """What stands in backticks."""
    return [token.content for token in _inline(page) if token.type == "code_inline"]


def anchors(page: Path) -> set[str]:
    """The names of headings, as GitHub makes them."""
    found: set[str] = set()
    tokens = _tokens(page)
    for opened, heading in pairwise(tokens):
        if opened.type == "heading_open":
            text = "".join(child.content for child in heading.children or ())
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            again = (f"{name}-{number}" for number in range(1, 100))
            found.add(name if name not in found else next(other for other in again if other not in found))
    return found


def commands(shell: str) -> list[list[str]]:
    """The words of each command of a shell block. Raises ValueError where a quote is not closed."""
    found = []
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if set(word) <= set(";|&"):
                found.append(words)
                words = []
            else:
                words.append(word)
        found.append(words)
    return [words for words in map(_program_first, found) if words]


def _program_first(words: list[str]) -> list[str]:
    """Without the variables that are set before a command."""
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    return words
