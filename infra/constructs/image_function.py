"""One folder of `functions/` as a Lambda: its image, its role, its logs."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Config
from infra.functions import FunctionSpec
from infra.images import image_asset
from infra.rules import acknowledge
from mien import settings


class ImageFunction(Construct):
    """A function made from its image, traced, with a role that may write its own log and nothing else yet."""

    def __init__(
        self, scope: Construct, id: str, *, spec: FunctionSpec, config: Config, root: Path = settings.CHECKOUT
    ) -> None:
        """`root` is the checkout that the image is built from. Raises ConfigurationError when models are missing."""
        super().__init__(scope, id)
        log = logs.LogGroup(self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        platform = ecr_assets.Platform.LINUX_ARM64 if config.arm64 else ecr_assets.Platform.LINUX_AMD64
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            description=f"Mien: {spec.name}",
            code=_image(spec, root, platform),
            architecture=lambda_.Architecture.ARM_64 if config.arm64 else lambda_.Architecture.X86_64,
            memory_size=spec.memory_mb,
            timeout=Duration.seconds(spec.timeout_seconds),
            reserved_concurrent_executions=config.concurrency.get(spec.name),
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log,
            role=role,
        )
        acknowledge(role, {"IAM5[Resource::*]": "X-Ray takes traces for no narrower resource."})


def _image(spec: FunctionSpec, root: Path, platform: ecr_assets.Platform) -> lambda_.DockerImageCode:
    asset = image_asset(spec, root)
    return lambda_.DockerImageCode.from_image_asset(
        asset.directory,
        file=asset.file,
        build_args=asset.build_args,
        exclude=asset.exclude,
        ignore_mode=IgnoreMode.DOCKER,
        platform=platform,
        display_name=f"mien {spec.name}",
    )
