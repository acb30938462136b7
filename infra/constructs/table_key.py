"""A key of the account's own for its tables."""

from __future__ import annotations

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class TableKey(kms.Key):
    """Rotated yearly. Whoever may use a table may use it, through DynamoDB and not otherwise, as with AWS's own key."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id, enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN)
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=[
                    "kms:CreateGrant",
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                resources=["*"],  # in a key's policy: this key
                conditions={
                    "StringEquals": {
                        "kms:CallerAccount": Aws.ACCOUNT_ID,
                        "kms:ViaService": f"dynamodb.{Aws.REGION}.{Aws.URL_SUFFIX}",
                    }
                },
            )
        )
