"""A state machine that hands a bucket's photos to the function that looks at those that land."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.landing import OBJECTS_OF_LANDING
from infra.rules import acknowledge
from mien.domain.uploads import BATCHES, PHOTOS_AT_ONCE

# As cdk-nag writes it.
_OWN_EXECUTIONS = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<BatchesMachine8B5CD8AA.Name>"

_TRIES = 4
_FAILED_PERCENT = 10
"""When so many photos could not be looked at, something is wrong with more than photos, and the rest is left."""


class BackCatalogue(Construct):
    """Lists a prefix, and looks at what is there by many functions at once: Step Functions' Distributed Map."""

    def __init__(
        self, scope: Construct, id: str, *, worker: lambda_.IFunction, results: s3.IBucket, buckets: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        files = results.arn_for_objects(f"{BATCHES}*")
        listed = [results.bucket_arn, *(f"arn:{Aws.PARTITION}:s3:::{bucket}" for bucket in buckets)]
        for actions, resources in (
            (["lambda:InvokeFunction"], [worker.function_arn]),
            (["s3:ListBucket"], listed),
            (["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"], [files]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            role=role,
            definition_body=sfn.DefinitionBody.from_string(
                Stack.of(self).to_json_string(definition(worker.function_arn, results.bucket_name))
            ),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,  # keys of photos
            ),
        )
        own = self._permissions_on_itself(role)
        acknowledge(role, {"IAM5[Resource::*]": "X-Ray and the delivery of logs take no narrower resource."})
        acknowledge(role, {f"IAM5[Resource::{OBJECTS_OF_LANDING}/{BATCHES}*]": "A file for each batch is written."})
        why = "Executions are named when they start; these are the machine's own."
        acknowledge(own, {f"IAM5[Resource::{_OWN_EXECUTIONS}{end}]": why for end in (":*", "/*")})

    def _permissions_on_itself(self, role: iam.IRole) -> iam.Policy:
        """A map runs its parts as executions of its own machine. Apart from the role, on which the machine depends."""
        machine = self.machine.state_machine_arn
        executions = (
            f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:{self.machine.state_machine_name}"
        )
        return iam.Policy(
            self,
            "Itself",
            roles=[role],
            statements=[
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"],
                    resources=[f"{executions}:*", f"{executions}/*"],
                ),
            ],
        )


def definition(worker: str, results: str) -> dict[str, Any]:
    """The state machine in Amazon States Language.

    Its input has `tenant`, `bucket`, `prefix`, `task`, `collection`, `match_policy`, all texts and the last three
    perhaps empty, and `concurrency`, how many functions are at work at once.
    """
    look = {
        "Type": "Task",
        "Resource": worker,
        "Retry": [
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 2,
                "MaxAttempts": _TRIES - 1,
                "BackoffRate": 3,
                "JitterStrategy": "FULL",
            }
        ],
        "End": True,
    }
    shared = {f"{name}.$": f"$.{name}" for name in ("tenant", "bucket", "task", "collection", "match_policy")}
    photos = {
        "Type": "Map",
        "Label": "Photos",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket.$": "$.bucket", "Prefix.$": "$.prefix"},
        },
        "ItemSelector": {"key.$": "$$.Map.Item.Value.Key"},
        "ItemBatcher": {"MaxItemsPerBatch": PHOTOS_AT_ONCE, "BatchInput": shared},
        "MaxConcurrencyPath": "$.concurrency",
        "ToleratedFailurePercentage": _FAILED_PERCENT,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Look",
            "States": {"Look": look},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": results, "Prefix": BATCHES.rstrip("/")},
        },
        "End": True,
    }
    return {"Comment": "Mien: photos of a back catalogue", "StartAt": "Photos", "States": {"Photos": photos}}
