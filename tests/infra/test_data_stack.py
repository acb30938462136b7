from __future__ import annotations

import pytest

from mien.adapters import tables
from tests.infra.synthesis import Synthesis

TABLE = "AWS::DynamoDB::Table"
SCHEMAS = {
    "Keys": tables.KEYS.schema,
    "Meter": tables.METER.schema,
    "Gallery": tables.GALLERY.schema,
    "Uploads": tables.UPLOADS.schema,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_table_is_as_its_adapter_expects_it(plain: Synthesis, name: str) -> None:
    table = plain.data.of_type(TABLE)[plain.data.body["Outputs"][f"{name}Table"]["Value"]["Ref"]]["Properties"]
    assert table["KeySchema"] == SCHEMAS[name]["KeySchema"]
    assert table["AttributeDefinitions"] == SCHEMAS[name]["AttributeDefinitions"]
    assert table.get("GlobalSecondaryIndexes") == SCHEMAS[name].get("GlobalSecondaryIndexes")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_tables_can_be_restored_are_encrypted_and_cost_nothing_while_idle(either: Synthesis) -> None:
    assert len(either.data.of_type(TABLE)) == len(SCHEMAS)
    for table in either.data.properties(TABLE):
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"]["SSEEnabled"] is True
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["DeletionProtectionEnabled"] is True


def test_whatever_holds_data_stays_when_the_stack_goes(either: Synthesis) -> None:
    for resource in either.data.body["Resources"].values():
        assert resource["DeletionPolicy"] == "Retain"
        assert resource["UpdateReplacePolicy"] == "Retain"
    assert either.manifest["artifacts"]["MienData"]["properties"]["terminationProtection"] is True


def test_a_key_of_ones_own_is_rotated_and_used_by_every_table(plain: Synthesis, switched: Synthesis) -> None:
    assert plain.data.of_type("AWS::KMS::Key") == {}
    ((name, key),) = switched.data.of_type("AWS::KMS::Key").items()
    assert key["Properties"]["EnableKeyRotation"] is True
    for table in switched.data.properties(TABLE):
        assert table["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [name, "Arn"]}


def test_the_key_is_open_to_the_account_through_dynamodb_only(switched: Synthesis) -> None:
    statements = switched.data.the_one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    (anyone,) = [each for each in statements if each["Principal"] == {"AWS": "*"}]
    assert anyone["Condition"]["StringEquals"].keys() == {"kms:CallerAccount", "kms:ViaService"}


def test_there_is_a_vector_bucket_only_where_it_is_searched(plain: Synthesis, switched: Synthesis) -> None:
    kind = "AWS::S3Vectors::VectorBucket"
    assert (len(plain.data.of_type(kind)), len(switched.data.of_type(kind))) == (0, 1)


def test_nothing_has_a_name_that_would_stand_in_a_replacements_way(either: Synthesis) -> None:
    """CloudFormation cannot replace a resource whose name is taken, by itself."""
    names = {"TableName", "FunctionName", "RoleName", "PolicyName", "LogGroupName", "TopicName", "AlarmName"} | {
        "DashboardName",
        "UsagePlanName",
        "VectorBucketName",
        "BucketName",
        "QueueName",
        "StateMachineName",
    }
    for template in (either.data, either.api):
        for kind, name in ((each["Type"], n) for each in template.body["Resources"].values() for n in names):
            if kind == "AWS::IAM::Policy" or (name == "FunctionName" and kind != "AWS::Lambda::Function"):
                continue  # an inline policy must be named; a permission or mapping says of which function it is
            assert all(name not in each for each in template.properties(kind)), (kind, name)
