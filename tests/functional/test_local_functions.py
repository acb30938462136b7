"""Local execution environments, with real processes running small real handlers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mien.domain.errors import ConfigurationError, FunctionFailed, FunctionTimedOut
from mien.local import functions as local_functions
from mien.local.functions import LocalFunction, handler_path

HANDLER = """
import os, time

started = 0

def lambda_handler(event, context):
    global started
    started += 1
    if event["do"] == "raise":
        raise RuntimeError("a bug")
    if event["do"] == "die":
        os._exit(1)
    if event["do"] == "sleep":
        time.sleep(event["seconds"])
    return {"pid": os.getpid(), "calls": started, "request": context.aws_request_id, "setting": os.environ["SETTING"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "handler.py").write_text(HANDLER, encoding="utf-8")
    return tmp_path


def run(folder: Path, concurrency: int, use: Callable[[LocalFunction], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        function = LocalFunction(handler_path(folder, "sample"), {"SETTING": "on"}, concurrency)
        try:
            await function.start()
            return await use(function)
        finally:
            await function.stop()

    return asyncio.run(main())


def test_a_call_reaches_a_handler_that_stays_loaded(folder: Path) -> None:
    async def use(function: LocalFunction) -> None:
        first = await function.invoke({"do": "answer"}, "r1")
        second = await function.invoke({"do": "answer"}, "r2")
        assert first == {"pid": first["pid"], "calls": 1, "request": "r1", "setting": "on"}
        assert second == first | {"calls": 2, "request": "r2"}

    run(folder, 1, use)


def test_calls_run_side_by_side_up_to_the_concurrency(folder: Path) -> None:
    async def use(function: LocalFunction) -> None:
        event = {"do": "sleep", "seconds": 0.5}
        start = time.monotonic()
        answers = await asyncio.gather(*(function.invoke(event, f"r{i}") for i in range(4)))
        assert 0.9 < time.monotonic() - start < 3
        assert len({answer["pid"] for answer in answers}) == 2
        assert [answer["request"] for answer in answers] == ["r0", "r1", "r2", "r3"]

    run(folder, 2, use)


@pytest.mark.parametrize("do", ["raise", "die"])
def test_a_failed_call_is_told_and_the_next_one_works(folder: Path, do: str) -> None:
    async def use(function: LocalFunction) -> None:
        for _ in range(2):
            with pytest.raises(FunctionFailed):
                await function.invoke({"do": do}, "bad")
            assert (await function.invoke({"do": "answer"}, "good"))["request"] == "good"

    run(folder, 1, use)


def test_a_call_that_hangs_is_given_up_and_its_process_replaced(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(local_functions, "FUNCTION_SECONDS", 1)
    monkeypatch.setattr("mien.local.environment.STOP_SECONDS", 0.2)

    async def use(function: LocalFunction) -> None:
        with pytest.raises(FunctionTimedOut):
            await function.invoke({"do": "sleep", "seconds": 60}, "slow")
        assert (await function.invoke({"do": "answer"}, "next"))["calls"] == 1

    run(folder, 1, use)


def test_a_caller_that_goes_away_does_not_lose_the_environment(folder: Path) -> None:
    async def use(function: LocalFunction) -> None:
        call = asyncio.create_task(function.invoke({"do": "sleep", "seconds": 0.5}, "gone"))
        await asyncio.sleep(0.1)
        call.cancel()
        answer = await asyncio.wait_for(function.invoke({"do": "answer"}, "here"), 5)
        assert answer["request"] == "here"

    run(folder, 1, use)


def test_a_handler_that_cannot_load_is_a_configuration_error(folder: Path) -> None:
    (folder / "sample" / "handler.py").write_text("raise RuntimeError('no models')", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="sample did not start: no models"):
        run(folder, 1, lambda function: function.invoke({}, ""))


def test_a_function_that_is_not_there_is_a_configuration_error(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="other"):
        handler_path(folder, "other")
