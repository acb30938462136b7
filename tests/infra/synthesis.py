"""Runs app.py as on a machine with node and nothing else: no network, no credentials, no Docker."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien import settings

NODE_WITHOUT_NETWORK = """
const refuse = () => { process.stderr.write("the network was asked for\\n"); process.exit(97); };
require("net").Socket.prototype.connect = refuse;
require("dns").lookup = refuse;
"""
PYTHON_WITHOUT_NETWORK = """
import socket, sys
sys.addaudithook(lambda event, _: event == "socket.connect" and sys.exit("the network was asked for"))
"""
UNPACKED = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"  # CDK's libraries; to unpack them takes long


@dataclass(frozen=True, slots=True)
class Template:
    """A stack's template."""

    body: dict[str, Any]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id, each as a whole."""
        return {name: each for name, each in self.body["Resources"].items() if each["Type"] == kind}

    def properties(self, kind: str) -> list[dict[str, Any]]:
        return [each.get("Properties", {}) for each in self.of_type(kind).values()]

    def the_one(self, kind: str) -> dict[str, Any]:
        (only,) = self.properties(kind)
        return only

    def functions(self) -> dict[str, dict[str, Any]]:
        """The Lambdas by the name of their folder."""
        return {each["Description"].removeprefix("Mien: "): each for each in self.properties("AWS::Lambda::Function")}

    def methods(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The REST API's methods by method and path."""
        return {
            (each["HttpMethod"], self._path(each["ResourceId"])): each
            for each in self.properties("AWS::ApiGateway::Method")
        }

    def _path(self, resource: dict[str, Any]) -> str:
        if "Fn::GetAtt" in resource:
            return "/"
        properties = self.body["Resources"][resource["Ref"]]["Properties"]
        return f"{self._path(properties['ParentId']).rstrip('/')}/{properties['PathPart']}"

    def statements_of(self, function: str) -> list[dict[str, Any]]:
        """What a function's role allows."""
        role = self.functions()[function]["Role"]["Fn::GetAtt"][0]
        policies = self.properties("AWS::IAM::Policy")
        return [
            statement
            for policy in policies
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What app.py made."""

    folder: Path
    seconds: float

    @property
    def data(self) -> Template:
        return self._template("MienData")

    @property
    def api(self) -> Template:
        return self._template("MienApi")

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.template.json"))

    @property
    def manifest(self) -> dict[str, Any]:
        return self._json("manifest.json")

    def rule_report(self) -> dict[str, Any]:
        (pack,) = self._json("validation-report.json")["pluginReports"]
        return dict(pack)

    def _template(self, stack: str) -> Template:
        return Template(self._json(f"{stack}.template.json"))

    def _json(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / name).read_text(encoding="utf-8")))


def run_app(folder: Path, switches: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run app.py with these switches; what it makes is in `folder`/out."""
    node = shutil.which("node")
    assert node is not None
    (folder / "bin").mkdir()
    (folder / "bin" / "node").symlink_to(node)
    (folder / "guard.cjs").write_text(NODE_WITHOUT_NETWORK)
    (folder / "sitecustomize.py").write_text(PYTHON_WITHOUT_NETWORK)
    environment = {
        "PATH": str(folder / "bin"),
        "HOME": str(folder),
        "PYTHONPATH": str(folder),
        "NODE_OPTIONS": f"--require={folder / 'guard.cjs'}",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(UNPACKED),
        "CDK_OUTDIR": str(folder / "out"),
        "CDK_CONTEXT_JSON": json.dumps(switches),
    }
    app = [sys.executable, str(settings.CHECKOUT / "app.py")]
    return subprocess.run(app, env=environment, cwd=settings.CHECKOUT, capture_output=True, text=True, check=False)


def synthesise(folder: Path, switches: Mapping[str, str]) -> Synthesis:
    start = time.perf_counter()
    done = run_app(folder, switches)
    assert done.returncode == 0, done.stdout + done.stderr
    return Synthesis(folder / "out", time.perf_counter() - start)


def strings(value: Any) -> Iterator[str]:
    """Every string in a piece of a template."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
