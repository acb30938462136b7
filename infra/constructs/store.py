"""A table as a function uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from infra.constructs.image_function import ImageFunction
from infra.rules import acknowledge

# As cdk-nag writes the bucket's ARN, seen from the other stack.
_ANY_INDEX = "IAM5[Resource::MienData:ExportsOutputFnGetAttVectorsVectorBucketArn09F358C4/index/*]"


@dataclass(frozen=True, slots=True)
class Store:
    """A table, the setting that names it to a function, and what else such a function must be told and allowed: all
    that read it, and those that also write.
    """

    setting: str
    table: dynamodb.ITable
    settings: Mapping[str, str] = field(default_factory=dict)
    reading: Sequence[iam.PolicyStatement] = ()
    writing: Sequence[iam.PolicyStatement] = ()

    def open_to(self, made: ImageFunction, actions: Sequence[str]) -> None:
        """Let a function do these things with the table."""
        function = made.function
        function.add_environment(self.setting, f"dynamodb:{self.table.table_name}")
        for name, value in self.settings.items():
            function.add_environment(name, value)
        # Not by the table's own `grant`, which opens every index too.
        function.add_to_role_policy(iam.PolicyStatement(actions=list(actions), resources=[self.table.table_arn]))
        writes = "dynamodb:PutItem" in actions
        for statement in (*self.reading, *(self.writing if writes else ())):
            function.add_to_role_policy(statement)
            acknowledge(made, {_ANY_INDEX: "A gallery's index is named after it and made when it is first filled."})
