"""An execution environment: a process of its own that has loaded one function and answers one event at a time.

The child half runs as `python -m mien.local.environment HANDLER FD` and imports nothing that the function does
not, as on Lambda.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from mien.domain.errors import ConfigurationError, FunctionFailed, FunctionTimedOut

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

INIT_SECONDS = 30
STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class LocalContext:
    """What a handler may ask of its Lambda context."""

    function_name: str
    aws_request_id: str
    memory_limit_in_mb: int = 1769
    function_version: str = "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:local:000000000000:function:{self.function_name}"


class Environment:
    """The parent's handle on one process; not for use from two threads at once."""

    def __init__(self, handler: Path, variables: dict[str, str]) -> None:
        """Start the process; it loads the handler while this returns."""
        self._connection, theirs = Pipe()
        command = [sys.executable, "-m", "mien.local.environment", str(handler), str(theirs.fileno())]
        self._process = subprocess.Popen(command, env={**os.environ, **variables}, pass_fds=[theirs.fileno()])
        theirs.close()
        self._name = handler.parent.name

    def wait_until_ready(self) -> None:
        """Raises ConfigurationError when the function did not start."""
        problem: str | None = "it took too long"
        try:
            if self._connection.poll(INIT_SECONDS):
                problem = self._connection.recv()
        except (EOFError, OSError):
            problem = "its process ended"
        if problem is not None:
            self.close()
            raise ConfigurationError(f"The function {self._name} did not start: {problem}")

    def invoke(self, event: dict[str, Any], request_id: str, seconds: float) -> dict[str, Any]:
        """Hand over one event and wait for the answer.

        Raises:
            FunctionFailed: the handler raised, or the process ended.
            FunctionTimedOut: no answer came in time. Either way the environment is closed and of no more use.

        """
        try:
            self._connection.send((event, request_id))
            if not self._connection.poll(seconds):
                self.close()
                raise FunctionTimedOut()
            answer = self._connection.recv()
        except (EOFError, OSError):
            answer = None
        if answer is None:
            self.close()
            raise FunctionFailed()
        return dict(answer)

    @property
    def closed(self) -> bool:
        return self._connection.closed

    def close(self) -> None:
        """End the process: it is told by its closed pipe, and killed if it does not listen."""
        self._connection.close()
        try:
            self._process.wait(STOP_SECONDS if self._process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _load(handler: Path) -> Handler:
    spec = importlib.util.spec_from_file_location(f"{handler.parent.name}_handler", handler)
    if spec is None or spec.loader is None:
        raise ImportError(f"{handler} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Handler = module.lambda_handler
    return loaded


def _serve(handler: Path, connection: Connection[Any, Any]) -> None:
    try:
        function = _load(handler)
    except Exception as error:
        traceback.print_exc()
        connection.send(str(error))
        return
    connection.send(None)
    while True:
        try:
            event, request_id = connection.recv()
        except EOFError:
            return
        try:
            answer = function(event, LocalContext(handler.parent.name, request_id))
        except Exception:
            traceback.print_exc()
            answer = None
        connection.send(answer)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _serve(Path(sys.argv[1]), Connection(int(sys.argv[2])))
