"""Images and containers by buildah, which needs no daemon: a stand-in for AWS's base image, and the functions on it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.functions import FunctionSpec
from infra.images import image_asset

DEBIAN = "trixie"  # whose Python is 3.13
RUNTIME_CLIENT = "awslambdaric==4.2.2"
STAND_IN = f"localhost/mien-lambda-stand-in:{DEBIAN}"

# Of all isolations only this one works in a container too. Processes and ports are the machine's own.
_RUN = ("--isolation", "chroot", "--network", "host")


class BuildFailed(Exception):
    """An image could not be built; says why."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of an image, and where its files are to be seen."""

    name: str
    root: Path

    @property
    def start_command(self) -> list[str]:
        """What Lambda would start: ENTRYPOINT and CMD."""
        config = json.loads(_buildah("inspect", self.name))["OCIv1"]["config"]
        return [*config["Entrypoint"], *config["Cmd"]]

    def run_command(self, command: list[str], variables: dict[str, str]) -> list[str]:
        """The command that runs another one inside, as a user without rights, like Lambda's."""
        given = [f"--env={name}={value}" for name, value in variables.items()]
        return ["buildah", "run", *_RUN, "--user", "nobody", *given, self.name, "--", *command]


def missing_requirements() -> str:
    """What to do before images can be built on this machine; empty when nothing is missing."""
    missing = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} must be installed; on Debian: apt-get install buildah debootstrap"
    return "" if os.geteuid() == 0 else "debootstrap needs root; run it as root."


@contextmanager
def function_container(function: FunctionSpec) -> Iterator[Container]:
    """A container of a function's image, built from just what CDK would hand to the build. Raises BuildFailed."""
    _ensure_stand_in()
    asset, tag = image_asset(function), f"localhost/mien-{function.name}"
    arguments = asset.build_args | {"BASE_IMAGE": STAND_IN}
    build_args = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    with tempfile.NamedTemporaryFile("w") as ignored, _pip_settings() as pip_settings:
        print(*asset.exclude, sep="\n", file=ignored, flush=True)
        files = ["--file", asset.file, "--ignorefile", ignored.name, "--tag", tag]
        _buildah("bud", "--pull=false", *_RUN, *pip_settings, *build_args, *files, asset.directory)
    try:
        with _container(tag) as container:
            yield container
    finally:
        _buildah("rmi", tag)


def stand_in_python() -> str:
    """The version of Python that functions run on here. Raises BuildFailed."""
    _ensure_stand_in()
    with _container(STAND_IN) as container:
        return _run(*container.run_command(["python3", "--version"], {})).split()[-1]


def _ensure_stand_in() -> None:
    """Debian with AWS's runtime client in AWS's places, kept by buildah from one run to the next."""
    if _buildah("images", "--quiet", "--filter", f"reference={STAND_IN}"):
        return
    with _container("scratch") as container, _pip_settings() as pip_settings:
        _run("debootstrap", "--variant=minbase", "--include=python3,python3-pip", DEBIAN, str(container.root))
        pip = ["python3", "-m", "pip", "install", "--no-cache-dir", "--target", "/var/runtime", RUNTIME_CLIENT]
        _buildah("run", *_RUN, *pip_settings, container.name, "--", *pip)
        variables = ("--env", "LAMBDA_TASK_ROOT=/var/task", "--env", "PYTHONPATH=/var/runtime")
        entrypoint = json.dumps(["python3", "-m", "awslambdaric"])
        _buildah("config", *variables, "--workingdir", "/var/task", "--entrypoint", entrypoint, container.name)
        _buildah("commit", container.name, STAND_IN)


@contextmanager
def _container(image: str) -> Iterator[Container]:
    name = _buildah("from", "--pull=false", image)
    try:
        yield Container(name, Path(_buildah("mount", name)))
    finally:
        _buildah("rm", name)


@contextmanager
def _pip_settings() -> Iterator[list[str]]:
    """Options that let pip inside reach packages as it does on this machine: its settings, and the files they name."""
    lines = _run(sys.executable, "-m", "pip", "config", "list").splitlines()
    settings: dict[str, str] = {}
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):  # the environment's come last, and win
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = ast.literal_eval(value)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        print("[global]", *(f"{name} = {value}" for name, value in settings.items()), sep="\n", file=file, flush=True)
        Path(file.name).chmod(0o644)
        named = {value: value for value in settings.values() if value.startswith("/") and Path(value).exists()}
        mounts = {file.name: "/etc/pip.conf"} | named
        yield [f"--volume={here}:{there}:ro" for here, there in mounts.items()]


def _buildah(*arguments: str) -> str:
    return _run("buildah", *arguments)


def _run(*command: str) -> str:
    """What it printed. Raises BuildFailed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise BuildFailed(f"{' '.join(command[:2])} failed:\n{last}")
    return done.stdout.strip()
