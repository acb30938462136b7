"""Creates both stacks on MiniStack, a local stand-in for CloudFormation, and tries what needs no function: what the API
answers, that a photo's landing comes to the queue, which forms the bucket takes, and that the state machine is sound
and lists a prefix.

`make deploy-check` runs it in an environment of its own, because MiniStack wants another boto3 than Mien.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from mien.adapters.s3_photos import S3PhotoStore
from mien.http.routes import ROUTES, STAGE
from mien.http.upload_events import landings

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


def check_landing(endpoint: str, resources: list[dict[str, Any]]) -> str:
    """Drop a photo, and something that is none; the bucket's name."""
    s3, sqs = (boto3.client(service, endpoint_url=endpoint, **CALLERS) for service in ("s3", "sqs"))
    (bucket,) = physical(resources, "AWS::S3::Bucket")
    for key in ("uploads/acme/ü 1.jpg", "results/acme/ü 1.jpg.json"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"photo")
    landed = []
    for queue in physical(resources, "AWS::SQS::Queue"):
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        landed += [found for message in answer.get("Messages", []) for found in landings(message["Body"])]
    if [landing.key for landing in landed] != ["uploads/acme/ü 1.jpg"]:
        raise SystemExit(f"The queue had {landed}.")
    sys.stdout.write("a photo's landing came to the queue, an answer's did not\n")
    return bucket


def check_form(endpoint: str, bucket: str) -> None:
    """A form lets in the photo that it was made for, and no other."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    photos = S3PhotoStore(boto3.client("s3", endpoint_url=endpoint, config=config, **CALLERS), bucket)
    form = photos.post_form("uploads/acme/form.jpg", "image/jpeg", 5)
    asked: dict[str, tuple[bytes, dict[str, str], int]] = {
        "right": (b"photo", {}, 204),
        "too long": (b"photos", {}, 400),
        "too short": (b"phot", {}, 400),
        "of another type": (b"photo", {"Content-Type": "text/html"}, 403),
        "under another key": (b"photo", {"key": "uploads/rival/form.jpg"}, 403),
    }
    for what, (data, other, expected) in asked.items():
        found = post(form.url, {**form.fields, **other}, data)
        if found != expected:
            raise SystemExit(f"A form that is {what}: {found} instead of {expected}")
    sys.stdout.write(f"{len(asked)} forms were taken or refused as they should be\n")


def post(url: str, fields: dict[str, str], file: bytes) -> int:
    """The status of a form's answer."""
    parts = [
        f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()
    ]
    parts.append('--part\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n')
    body = "".join(parts).encode() + file + b"\r\n--part--\r\n"
    request = urllib.request.Request(url, body, {"Content-Type": "multipart/form-data; boundary=part"})  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 -- our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def check_machine(endpoint: str, machine: str, bucket: str) -> None:
    """Its definition against the States Language's schema; then a run, which lists, and fails for want of Docker."""
    states = boto3.client("stepfunctions", endpoint_url=endpoint, **CALLERS)
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(definition)
        file.flush()
        subprocess.run(["npx", "--yes", "asl-validator@4.0.0", "--json-path", file.name], check=True)  # noqa: S607
    given = {"tenant": "acme", "bucket": bucket, "prefix": "uploads/acme/ü", "concurrency": 2}
    given |= dict.fromkeys(("task", "collection", "match_policy"), "")
    run = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    for _ in range(100):
        if states.describe_execution(executionArn=run)["status"] != "RUNNING":
            break
        time.sleep(0.5)
    (map_run,) = states.list_map_runs(executionArn=run)["mapRuns"]
    counts = states.describe_map_run(mapRunArn=map_run["mapRunArn"])["itemCounts"]
    if counts["total"] != 1:
        raise SystemExit(f"The state machine found {counts}.")
    sys.stdout.write("the state machine is valid, and found the photo\n")


def physical(resources: list[dict[str, Any]], kind: str) -> list[str]:
    return [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind]


def main() -> None:
    with ministack() as endpoint:
        bootstrap(endpoint, Path(sys.argv[1]))
        bucket = check_landing(endpoint, create(endpoint, "MienData"))
        check_form(endpoint, bucket)
        resources = create(endpoint, "MienApi")
        (api,) = physical(resources, "AWS::ApiGateway::RestApi")
        check_answers(f"{endpoint}/restapis/{api}/{STAGE}/_user_request_")
        (machine,) = physical(resources, "AWS::StepFunctions::StateMachine")
        check_machine(endpoint, machine, bucket)


if __name__ == "__main__":
    main()
