"""`mien tune` against a running server, and with a function of moto's whose memory it changes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from mien.adapters.lambda_function import FunctionSize, LambdaFunction
from mien.cli import tune as tuning
from mien.cli.main import mien
from mien.domain.errors import ConfigurationError
from mien.domain.prices import Architecture, Work
from tests.functional.servers import Server


def tune(server: Server, *options: str) -> Result:
    return CliRunner().invoke(mien, ["tune", server.url, "--key", server.key, "--calls", "2", *options])


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A deployed function of 1769 MB; boto3's client for it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("handler.py", "")
        client = boto3.client("lambda")
        client.create_function(
            FunctionName="analytics",
            Runtime="python3.13",
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": code.getvalue()},
            MemorySize=1769,
            Architectures=["arm64"],
        )
        yield client


def test_a_server_is_timed_and_its_calls_are_priced(server: Server) -> None:
    result = tune(server, "--memory", "1769")
    assert result.exit_code == 0, result.output
    assert "1769 MB, x86_64" in result.output
    rows = [line.strip("│").split("│") for line in result.output.splitlines() if line.startswith("│")]
    assert [int(row[0]) for row in rows] == [1, 6, 0]
    assert all(float(row[-1]) > 0 for row in rows)


def test_a_wrong_key_is_told(server: Server) -> None:
    result = CliRunner().invoke(mien, ["tune", server.url, "--key", "mien_wrong"])
    assert result.exit_code == 1
    assert "answers 401" in result.output


def test_sizes_are_numbers_that_lambda_knows_and_several_need_a_function(server: Server) -> None:
    assert tune(server, "--memory", "64").exit_code == 2
    assert tune(server, "--memory", "much").exit_code == 2
    assert "--function" in tune(server, "--memory", "1024,2048").output


def test_arm_costs_less_for_the_same_seconds() -> None:
    assert Work(1, architecture=Architecture.ARM64).dollars < Work(1).dollars


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt, RuntimeError])
def test_a_function_is_measured_at_each_size_and_gets_its_own_back(
    function: Any, failure: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    had: list[int] = []

    def measure(*_: object) -> list[tuning.Times]:
        had.append(LambdaFunction(function, "analytics").size().memory_mb)
        if failure and len(had) == 2:
            raise failure
        return [tuning.Times(1, 100.0, [90.0, 95.0], [80.0, 85.0])]

    monkeypatch.setattr(tuning, "_measure", measure)
    result = CliRunner().invoke(mien, ["tune", "http://x", "--function", "analytics", "--memory", "1024,3008"])
    assert (result.exit_code == 0) is (failure is None)
    assert had == [1024, 3008]
    assert "1024 MB, arm64" in result.output
    assert LambdaFunction(function, "analytics").size() == FunctionSize(1769, Architecture.ARM64)


def test_a_function_that_is_not_there_is_told(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="no function nobody"):
        LambdaFunction(function, "nobody").size()
