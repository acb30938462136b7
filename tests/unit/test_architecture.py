"""The arrow of the house: functions → http, adapters → usecases → vision, domain."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien import settings

MIEN = settings.CHECKOUT / "layers" / "mien"
FUNCTIONS = settings.CHECKOUT / "functions"

MAY_IMPORT = {
    "domain": {"domain"},
    "vision": {"vision", "domain"},
    "ports": {"ports", "domain"},
    "usecases": {"usecases", "vision", "ports", "domain"},
    "adapters": {"adapters", "ports", "domain"},
    "http": {"http", "usecases", "ports", "domain"},
    "local": {"local", "http", "adapters", "ports", "domain", "settings"},
    "cli": {"cli", "local", "http", "adapters", "usecases", "ports", "vision", "domain", "settings"},
    "openapi": {"openapi", "http", "domain", "vision", "settings"},
    "settings": {"domain"},
    "startup": set(),
    "functions": {"http", "adapters", "usecases", "domain", "settings", "startup"},
}
HOME_OF = {
    "boto3": ("adapters/",),
    "botocore": ("adapters/",),
    "sqlite3": ("adapters/",),
    "onnxruntime": ("vision/engine.py",),
    "aws_lambda_powertools": ("http/",),
    "uvicorn": ("local/",),
    "click": ("cli/",),
    "requests": ("cli/",),
    "rich": ("cli/",),
}
NOT_IN_MIEN = {"onnx", "models", "bench", "tests", "functions", "infra"}
POWERTOOLS_IN_A_HANDLER = "functions/"  # a handler names the Response type it returns


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(file: Path) -> str:
    if file.is_relative_to(FUNCTIONS):
        return "functions"
    return file.relative_to(MIEN).parts[0].removesuffix(".py")


SOURCES = [*MIEN.rglob("*.py"), *FUNCTIONS.rglob("*.py")]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(settings.CHECKOUT)))
def test_every_import_goes_along_the_arrow(file: Path) -> None:
    if file == MIEN / "__init__.py":
        return
    for name in imports(file):
        parts = name.split(".")
        if parts[0] == "mien" and parts[1] != "__version__":
            assert parts[1] in MAY_IMPORT[room(file)], f"{file.name} imports {name}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(settings.CHECKOUT)))
def test_every_library_is_imported_only_where_it_lives(file: Path) -> None:
    for name in imports(file):
        library = name.split(".")[0]
        assert library not in NOT_IN_MIEN or file.is_relative_to(FUNCTIONS)
        if library not in HOME_OF:
            continue
        if file.is_relative_to(FUNCTIONS):
            assert library == "aws_lambda_powertools"
        else:
            assert str(file.relative_to(MIEN)).startswith(HOME_OF[library]), f"{file.name} imports {name}"


def test_domain_needs_nothing_but_numpy_and_the_standard_library() -> None:
    foreign = {
        name.split(".")[0]
        for file in (MIEN / "domain").rglob("*.py")
        for name in imports(file)
        if name.split(".")[0] not in {"mien", "numpy", "__future__"}
    }
    assert foreign <= {"collections", "dataclasses", "datetime", "enum", "hashlib", "math", "re", "secrets"} | {
        "array",
        "base64",
        "hmac",
        "statistics",
        "typing",
    }
