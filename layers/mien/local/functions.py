"""The functions of this deployment, each with a few environments that share its calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from mien.domain.errors import ConfigurationError, FunctionTimedOut
from mien.http.limits import FUNCTION_SECONDS
from mien.local.environment import Environment

QUIET = {"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "WARNING"}
"""Variables of functions that run while a person is watching."""


class LocalFunction:
    """One function. A call waits for a free environment and starts it if need be; one that failed is replaced."""

    def __init__(self, handler: Path, variables: dict[str, str], concurrency: int) -> None:
        self._handler, self._variables, self._concurrency = handler, variables, concurrency
        # What was used last is used first: a few calls keep a few environments.
        self._idle: asyncio.LifoQueue[Environment | None] = asyncio.LifoQueue()
        for _ in range(concurrency):
            self._idle.put_nowait(None)
        self._all: set[Environment] = set()

    async def start(self) -> None:
        """Start all environments and wait until they have loaded. Raises ConfigurationError."""
        environments = [self._new_environment() for _ in range(self._concurrency)]
        for environment in environments:
            await self._idle.get()
            await asyncio.to_thread(environment.wait_until_ready)
            self._idle.put_nowait(environment)

    async def invoke(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        """Answer one event. Raises FunctionFailed, FunctionTimedOut, or ConfigurationError."""
        try:
            async with asyncio.timeout(FUNCTION_SECONDS):
                environment = await self._idle.get()
        except TimeoutError:
            raise FunctionTimedOut() from None
        return await asyncio.shield(self._invoke_on(environment, event, request_id))

    async def _invoke_on(
        self, environment: Environment | None, event: dict[str, Any], request_id: str
    ) -> dict[str, Any]:
        """Runs to its end even when the caller has gone, so that the environment is never lost."""
        try:
            if environment is None or environment.closed:
                environment = self._new_environment()
                await asyncio.to_thread(environment.wait_until_ready)
            return await asyncio.to_thread(environment.invoke, event, request_id, FUNCTION_SECONDS)
        finally:
            self._idle.put_nowait(environment)

    def _new_environment(self) -> Environment:
        environment = Environment(self._handler, self._variables)
        self._all = {other for other in self._all if not other.closed} | {environment}
        return environment

    async def stop(self) -> None:
        """End all processes."""
        await asyncio.gather(*(asyncio.to_thread(environment.close) for environment in self._all))


def handler_path(functions: Path, name: str) -> Path:
    """The handler file of a function. Raises ConfigurationError when there is none."""
    path = functions / name / "handler.py"
    if not path.is_file():
        raise ConfigurationError(f"There is no function {name} in {functions.name}/.")
    return path
