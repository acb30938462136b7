"""AWS's rules of good practice, which every synthesis is held to, and how one is knowingly not followed."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct


def hold_to_rules(app: App) -> None:
    """Fail the synthesis on a finding that nobody acknowledged."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Say why a construct, and what is in it, does not follow rules of the AwsSolutions pack, by their short names."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=why) for rule, why in reasons.items())
    )
