from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from infra.config import Config
from mien import settings
from mien.domain.errors import ConfigurationError
from tests.infra.conftest import EVERY_SWITCH
from tests.infra.synthesis import run_app

NAMES = [each.name for each in fields(Config)]


def test_every_switch_can_be_turned() -> None:
    plain, switched = Config(), Config.from_context(EVERY_SWITCH)
    assert EVERY_SWITCH.keys() == set(NAMES)
    assert [name for name in NAMES if getattr(plain, name) == getattr(switched, name)] == []


def test_switches_may_be_written_in_cdk_json_as_what_they_are() -> None:
    written = {"arm64": True, "retention_days": 30, "aws:cdk:enable-path-metadata": True}
    assert Config.from_context(written) == Config(arm64=True, retention_days=30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arm64", "yes"),
        ("concurrency", "20"),
        ("concurrency", "everything:20"),
        ("concurrency", "analytics:0"),
        ("retention_days", "0"),
        ("retention_days", "a month"),
        ("photo_days", "-1"),
        ("result_days", "0"),
        ("batch_buckets", "s3://archive"),
        ("batch_buckets", ""),
        ("meter_fails", "loudly"),
        ("search", "elsewhere"),
        ("amr64", "true"),
    ],
)
def test_a_switch_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Config.from_context({name: value})


def test_app_py_says_what_is_wrong_in_a_line(tmp_path: Path) -> None:
    done = run_app(tmp_path, {"amr64": "true"})
    assert done.returncode == 1
    assert done.stderr.startswith("app.py: There is no switch amr64")


@pytest.mark.parametrize("name", NAMES)
def test_every_switch_is_explained(name: str) -> None:
    assert f"`{name}`" in (settings.CHECKOUT / "docs" / "deploy.md").read_text(encoding="utf-8")
