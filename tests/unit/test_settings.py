from __future__ import annotations

import pytest

from infra.functions import FUNCTIONS
from mien import settings
from mien.domain.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.THREADS, raising=False)
    monkeypatch.delenv(settings.LAMBDA_MEMORY, raising=False)


@pytest.mark.parametrize(("memory", "threads"), [(128, 1), (1768, 1), (1769, 1), (3008, 1), (3538, 2), (10_240, 5)])
def test_a_network_has_a_thread_for_each_whole_core_of_a_lambda(
    memory: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.LAMBDA_MEMORY, str(memory))
    assert settings.threads() == threads


def test_elsewhere_it_has_one() -> None:
    assert settings.threads() == 1


def test_what_is_said_outright_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.LAMBDA_MEMORY, "10240")
    monkeypatch.setenv(settings.THREADS, "2")
    assert settings.threads() == 2


def test_what_is_no_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.THREADS, "all")
    with pytest.raises(ConfigurationError, match=settings.THREADS):
        settings.threads()


def test_functions_with_networks_have_a_whole_core() -> None:
    assert all(spec.memory_mb >= settings.MB_PER_CORE for spec in FUNCTIONS if spec.tasks)
