"""The local server in a process of its own, to be asked over HTTP."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

START = """
import sys
from pathlib import Path
from mien.local.server import serve
serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
"""


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str
    key: str
    state: Path
    output: str

    def post(self, path: str, key: str | None = "", **options: Any) -> requests.Response:
        headers = {"x-key-secret": self.key if key == "" else key} if key is not None else {}
        return requests.post(f"{self.url}{path}", headers=headers, timeout=60, **options)

    def analyse(self, photo: bytes, **options: Any) -> requests.Response:
        return self.post("/api/v1/face_analytics", files={"face_image": ("photo.jpg", photo)}, **options)


def start(state: Path, functions: Path, port: int = 0) -> Server:
    command = [sys.executable, "-c", START, str(port), str(state), str(functions)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if "Ctrl-C" in line:
            break
    url = next((word for word in output.split() if word.startswith("http://")), "")
    return Server(process, url, (state / "demo-key").read_text().strip(), state, output)


def stop(server: Server, how: signal.Signals = signal.SIGINT) -> int:
    server.process.send_signal(how)
    assert server.process.stdout is not None
    server.process.stdout.close()
    return server.process.wait(20)
