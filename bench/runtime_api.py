"""The Lambda Runtime API as one execution environment sees it, so that functions run under AWS's own runtime client.

The client asks for `next` until there is an event and posts what the handler made of it; its first `next` says that
the function has loaded. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any

_ROOT = "/2018-06-01/runtime/"
_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


class FunctionError(Exception):
    """The function did not load, raised, or gave no answer in time."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    body: bytes
    failed: bool


class RuntimeApi(ThreadingHTTPServer):
    """Serves one environment, one event at a time, until its `with` block ends.

    An environment that was stopped may have left a `next` behind that would take the following one's event, so each
    gets a server of its own.
    """

    def __init__(self, seconds: float = 30) -> None:
        """The environment has so many seconds to load, and to answer each event."""
        super().__init__(("127.0.0.1", 0), _Request)
        self.seconds = seconds
        self._events: Queue[bytes] = Queue()
        self._outcomes: Queue[_Outcome] = Queue()
        self._loaded_at: Queue[float] = Queue()
        Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *error: Any) -> None:
        self.shutdown()
        super().__exit__(*error)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An environment that is stopped breaks its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """What the client reads from AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self.server_port}"

    def wait_until_loaded(self) -> float:
        """When the function had loaded, in seconds since the epoch. Raises FunctionError."""
        try:
            loaded_at = self._loaded_at.get(timeout=self.seconds)
        except Empty:
            raise FunctionError("The function did not load in time.") from None
        if not self._outcomes.empty():
            raise FunctionError(self._outcomes.get().body.decode())
        return loaded_at

    def invoke(self, event: dict[str, Any]) -> Any:
        """What the handler answers. Raises FunctionError."""
        self._events.put(json.dumps(event).encode())
        try:
            outcome = self._outcomes.get(timeout=self.seconds)
        except Empty:
            raise FunctionError("The function did not answer in time.") from None
        if outcome.failed:
            raise FunctionError(outcome.body.decode())
        return json.loads(outcome.body)

    def next_event(self) -> bytes:
        """Wait for an event; the client's half."""
        self._loaded_at.put(time.time())
        return self._events.get()

    def post(self, path: str, body: bytes) -> None:
        """Take what the client says became of an event, or of loading; the client's half."""
        self._outcomes.put(_Outcome(body, failed=path.endswith("/error")))
        if path == f"{_ROOT}init/error":
            self._loaded_at.put(time.time())


class _Request(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: the second of two would wait for an acknowledgement

    def do_GET(self) -> None:
        if self.path != f"{_ROOT}invocation/next":
            return self.send_error(404)
        event = self.server.next_event()
        deadline = int((time.time() + self.server.seconds) * 1000)
        return self._answer(
            200, event, {"Lambda-Runtime-Aws-Request-Id": _REQUEST_ID, "Lambda-Runtime-Deadline-Ms": str(deadline)}
        )

    def do_POST(self) -> None:
        self.server.post(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(202, b"{}", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Type": "application/json", "Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
