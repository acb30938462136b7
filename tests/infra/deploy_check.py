"""Creates both stacks on MiniStack, a local stand-in for CloudFormation, and asks the API what needs no function.

`make deploy-check` runs it in an environment of its own, because MiniStack wants another boto3 than Mien.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from mien.http.routes import ROUTES, STAGE

BUCKET = "templates"  # a template of this size is not taken inline
CALLERS = {"region_name": "us-east-1", "aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}


@contextmanager
def ministack() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
    }
    program = [str(Path(sys.executable).parent / "ministack")]
    process = subprocess.Popen(program, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("MiniStack did not start.")


def bootstrap(endpoint: str, folder: Path) -> None:
    """What `cdk bootstrap` leaves in an account, and the templates where CloudFormation finds them."""
    ssm = boto3.client("ssm", endpoint_url=endpoint, **CALLERS)
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    s3 = boto3.client("s3", endpoint_url=endpoint, **CALLERS)
    s3.create_bucket(Bucket=BUCKET)
    for file in folder.glob("*.template.json"):
        s3.upload_file(str(file), BUCKET, file.name)


def create(endpoint: str, stack: str) -> list[dict[str, Any]]:
    """Create a stack and return its resources. Raises SystemExit when one was not made."""
    cloudformation = boto3.client("cloudformation", endpoint_url=endpoint, **CALLERS)
    url = f"{endpoint}/{BUCKET}/{stack}.template.json"
    cloudformation.create_stack(StackName=stack, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    made = [resource for resource in resources if resource["ResourceStatus"] == "CREATE_COMPLETE"]
    sys.stdout.write(f"{stack}: {len(made)} of {len(resources)} resources made\n")
    if len(made) < len(resources):
        raise SystemExit(str([resource for resource in resources if resource not in made]))
    return resources


def ask(url: str, method: str) -> tuple[int, str]:
    """Status and error code."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:  # noqa: S310 -- our own
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]["code"]


def check_answers(base: str) -> None:
    asked: dict[tuple[str, str], tuple[int, str]] = {
        (route.method, route.path): (401, "invalid_api_key") for route in ROUTES if not route.public
    }
    asked |= {("PATCH", route.path): (405, "method_not_allowed") for route in ROUTES}
    asked[("GET", "/v1/nothing")] = (404, "not_found")
    for (method, path), expected in asked.items():
        found = ask(base + path, method)
        if found != expected:
            raise SystemExit(f"{method} {path}: {found} instead of {expected}")
    sys.stdout.write(f"{len(asked)} calls without a key answered as the contract says\n")


def main() -> None:
    with ministack() as endpoint:
        bootstrap(endpoint, Path(sys.argv[1]))
        create(endpoint, "MienData")
        resources = create(endpoint, "MienApi")
        kind = "AWS::ApiGateway::RestApi"
        (api,) = (each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind)
        check_answers(f"{endpoint}/restapis/{api}/{STAGE}/_user_request_")


if __name__ == "__main__":
    main()
