"""What must survive: keys, what they used, the galleries, and photos that landed with what became of them. Deleting
the stack deletes none of it.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

from infra.config import Config
from infra.constructs.durable_table import DurableTable
from infra.constructs.landing import Landing
from infra.constructs.store import Store
from infra.constructs.table_key import TableKey
from mien import settings
from mien.adapters import tables

_SEARCH = ("s3vectors:QueryVectors",)
_INDEX = ("s3vectors:CreateIndex", "s3vectors:DeleteVectors", "s3vectors:PutVectors")


class DataStack(Stack):
    """The tables, by the setting that names each to a function, and the index of large galleries where asked for."""

    def __init__(self, scope: Construct, id: str, config: Config) -> None:
        super().__init__(scope, id, description="Mien: what must survive", termination_protection=True)
        key = TableKey(self, "Key") if config.cmk else None
        keys = DurableTable(self, "Keys", table=tables.KEYS, key=key)
        meter = DurableTable(self, "Meter", table=tables.METER, key=key)
        gallery = DurableTable(self, "Gallery", table=tables.GALLERY, key=key)
        uploads = DurableTable(self, "Uploads", table=tables.UPLOADS, key=key)
        self.landing = Landing(self, "Landing", config=config)
        stores = (
            Store(settings.KEY_STORE, keys),
            Store(settings.METER, meter, {settings.METER_FAILS: config.meter_fails}),
            self._gallery_store(gallery, config),
            Store(settings.UPLOAD_LOG, uploads, {settings.RESULT_DAYS: str(config.result_days)}),
        )
        self.stores = {store.setting: store for store in stores}
        for store in stores:
            CfnOutput(self, f"{store.table.node.id}Table", value=store.table.table_name, description=store.setting)

    def _gallery_store(self, table: dynamodb.ITable, config: Config) -> Store:
        retention = {settings.RETENTION_DAYS: str(config.retention_days)} if config.retention_days else {}
        if config.search == "memory":
            return Store(settings.GALLERY, table, {settings.SEARCH: config.search} | retention)
        bucket = s3vectors.CfnVectorBucket(self, "Vectors")
        bucket.apply_removal_policy(RemovalPolicy.RETAIN)
        name = Fn.select(1, Fn.split("/", bucket.attr_vector_bucket_arn))  # CloudFormation tells the ARN only
        # An index for each gallery, made when the first person is enrolled.
        indexes = [f"{bucket.attr_vector_bucket_arn}/index/*"]
        searching = iam.PolicyStatement(actions=list(_SEARCH), resources=indexes)
        changing = iam.PolicyStatement(actions=list(_INDEX), resources=indexes)
        told = {settings.SEARCH: f"s3vectors:{name}"} | retention
        return Store(settings.GALLERY, table, told, [searching], [changing])
