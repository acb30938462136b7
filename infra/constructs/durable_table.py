"""A DynamoDB table that outlives its stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from mien.adapters.tables import TTL_ATTRIBUTE, Kind, Table

_TYPES: dict[Kind, dynamodb.AttributeType] = {
    "B": dynamodb.AttributeType.BINARY,
    "N": dynamodb.AttributeType.NUMBER,
    "S": dynamodb.AttributeType.STRING,
}


class DurableTable(dynamodb.Table):
    """Billed by the request, restorable to any second of the last 35 days, encrypted, and kept when its stack goes."""

    def __init__(self, scope: Construct, id: str, *, table: Table, key: kms.IKey | None) -> None:
        """Without a key of its own AWS's is used, which is free."""
        super().__init__(
            scope,
            id,
            partition_key=_attribute(table.partition_key),
            sort_key=_attribute(table.sort_key) if table.sort_key else None,
            time_to_live_attribute=TTL_ATTRIBUTE,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
            encryption_key=key,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        if table.index is not None:
            self.add_global_secondary_index(
                index_name=table.index.name,
                partition_key=_attribute(table.index.partition_key),
                sort_key=_attribute(table.index.sort_key),
            )


def _attribute(key: tuple[str, Kind]) -> dynamodb.Attribute:
    name, kind = key
    return dynamodb.Attribute(name=name, type=_TYPES[kind])
