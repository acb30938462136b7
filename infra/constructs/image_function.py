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
from infra.rules import acknowledge
from mien import settings
from mien.domain.errors import ConfigurationError
from mien.vision.manifest import MANIFEST_NAME, load_manifest

_DOCKERFILE = "functions/Dockerfile"
_MODELS = "models/built"


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
    """Only what goes into the image is in its context, so that no other change makes a new image."""
    files = _model_files(spec, root)
    models = [f"!{_MODELS}/{file}" for file in (MANIFEST_NAME, *files)] if files else []
    return lambda_.DockerImageCode.from_image_asset(
        str(root),
        file=_DOCKERFILE,
        build_args={"FUNCTION": spec.name, "MODELS": " ".join(files)},
        ignore_mode=IgnoreMode.DOCKER,
        exclude=["*", f"!{_DOCKERFILE}", f"!functions/{spec.name}", "!layers", *models, "**/__pycache__"],
        platform=platform,
        display_name=f"mien {spec.name}",
    )


def _model_files(spec: FunctionSpec, root: Path) -> tuple[str, ...]:
    if not spec.tasks:
        return ()
    built = root / _MODELS
    files = spec.model_files(load_manifest(built / MANIFEST_NAME))
    for file in files:
        if not (built / file).exists():
            raise ConfigurationError(f"{file} is not built yet. Run `make models`.")
    return files
