"""The stacks, synthesised once with no switch and once with every switch turned."""

from __future__ import annotations

import pytest

from tests.infra.synthesis import Synthesis, synthesise

EVERY_SWITCH = {
    "arm64": "true",
    "cmk": "true",
    "concurrency": "analytics:20,recognition:5",
    "retention_days": "30",
    "photo_days": "0",
    "result_days": "90",
    "batch_buckets": "archive,holidays-2019",
    "meter_fails": "open",
    "search": "s3vectors",
    "url_fetch": "false",
    "alarm_email": "somebody@example.com",
}


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesise(tmp_path_factory.mktemp("plain"), {})


@pytest.fixture(scope="session")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesise(tmp_path_factory.mktemp("switched"), EVERY_SWITCH)


@pytest.fixture(params=["plain", "switched"])
def either(request: pytest.FixtureRequest) -> Synthesis:
    synthesis: Synthesis = request.getfixturevalue(request.param)
    return synthesis
