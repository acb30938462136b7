"""A DynamoDB table that outlives its stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

_TYPES = {
    "B": dynamodb.AttributeType.BINARY,
    "N": dynamodb.AttributeType.NUMBER,
    "S": dynamodb.AttributeType.STRING,
}


class DurableTable(dynamodb.Table):
    """Billed by the request, restorable to any second of the last 35 days, encrypted, and kept when its stack goes."""

    def __init__(
        self, scope: Construct, id: str, *, schema: Mapping[str, Any], ttl_attribute: str | None, key: kms.IKey | None
    ) -> None:
        """`schema` is in the words of DynamoDB's CreateTable. Without a key of its own AWS's is used, which is free."""
        types = {each["AttributeName"]: _TYPES[each["AttributeType"]] for each in schema["AttributeDefinitions"]}
        keys = {
            each["KeyType"]: dynamodb.Attribute(name=each["AttributeName"], type=types[each["AttributeName"]])
            for each in schema["KeySchema"]
        }
        super().__init__(
            scope,
            id,
            partition_key=keys["HASH"],
            sort_key=keys.get("RANGE"),
            time_to_live_attribute=ttl_attribute,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
            encryption_key=key,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
