"""The memory of a deployed function, which can be changed without a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mien.adapters.aws import error_code, unavailable
from mien.domain.errors import ConfigurationError, Unavailable
from mien.domain.prices import Architecture


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """What a function runs on."""

    memory_mb: int
    architecture: Architecture


class LambdaFunction:
    """One function, by its name or ARN. `client` is a boto3 Lambda client."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def size(self) -> FunctionSize:
        """What it runs on now.

        Raises:
            ConfigurationError: there is no such function.
            Unavailable: AWS refuses, or does not answer.

        """
        try:
            with unavailable("Lambda"):
                found = self._client.get_function_configuration(FunctionName=self._name)
        except Unavailable as error:
            if error_code(error.__cause__) == "ResourceNotFoundException":
                raise ConfigurationError(f"There is no function {self._name} in this account and region.") from None
            raise
        return FunctionSize(int(found["MemorySize"]), Architecture(found["Architectures"][0]))

    def give(self, memory_mb: int) -> None:
        """Change its memory, and wait until calls reach functions that have it. Raises Unavailable."""
        with unavailable("Lambda"):
            self._client.update_function_configuration(FunctionName=self._name, MemorySize=memory_mb)
            self._client.get_waiter("function_updated").wait(FunctionName=self._name)

    @contextmanager
    def restored(self) -> Iterator[FunctionSize]:
        """What it runs on now, and will again after the block, whatever happens in it. Raises as `size` and `give`."""
        before = self.size()
        try:
            yield before
        finally:
            self.give(before.memory_mb)
