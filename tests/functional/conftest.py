"""Real handlers, loaded as Lambda loads them: afresh, with their environment set; and the local server."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from moto import mock_aws

from mien import settings
from tests.functional.cloud import BUCKET, Cloud, deploy
from tests.functional.servers import Server, start, stop


@pytest.fixture(scope="module")
def load_handler() -> Iterator[Callable[..., ModuleType]]:
    """Load a function's handler module anew, with these environment variables."""
    loaded: list[ModuleType] = []

    def load(function: str, **variables: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(
            f"{function}_handler", settings.CHECKOUT / "functions" / function / "handler.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            spec.loader.exec_module(module)
        loaded.append(module)
        return module

    yield load
    for module in loaded:
        if hasattr(module, "app"):
            module.app.metering.meter.close()
        for store in ("gallery", "uploads"):
            if hasattr(module, store):
                getattr(module, store).close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty store."""
    return f"sqlite:{tmp_path_factory.mktemp('state') / 'mien.sqlite'}"


@pytest.fixture(scope="module")
def recognition(load_handler: Callable[..., ModuleType], store: str) -> ModuleType:
    """The recognition handler on an empty store of its own."""
    return load_handler("recognition", MIEN_GALLERY=store)


@pytest.fixture(scope="module")
def functions() -> Path:
    return Path(__file__).parents[2] / "functions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, functions: Path) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("var"), functions)
    yield running
    stop(running)


tenants = (f"tenant-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def deployed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        deploy()
        yield


@pytest.fixture(scope="module")
def running(deployed: None, load_handler: Callable[..., ModuleType]) -> Cloud:
    handler = load_handler(
        "uploads",
        MIEN_PHOTOS=f"s3:{BUCKET}",
        MIEN_UPLOAD_LOG="dynamodb:uploads",
        MIEN_METER="dynamodb:meter",
        MIEN_GALLERY="dynamodb:gallery",
        MIEN_ANNOUNCER="events:mien",
    )
    return Cloud(handler)


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    """Empty queues, and a tenant of the test's own."""
    running.tenant = next(tenants)
    for queue in ("landed", "heard"):
        list(running.take(queue))
    return running
