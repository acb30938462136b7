"""What each function needs: memory, time, networks, libraries. The stack, the images and their check read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mien import settings
from mien.http.limits import FUNCTION_SECONDS
from mien.usecases.analyse_image import ANALYSIS
from mien.usecases.detect_emotion import EMOTION as EMOTION_TASKS
from mien.vision.manifest import Manifest, Task


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A folder of `functions/`. `tasks` are the networks it opens, `extras` those of the distribution `mien`, `stores`
    what it does in DynamoDB, by the setting that names the table.

    Memory is cores too, and cores are threads: `settings.threads`.
    """

    name: str
    memory_mb: int
    timeout_seconds: int
    tasks: tuple[Task, ...] = ()
    extras: tuple[str, ...] = ()
    stores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def model_files(self, manifest: Manifest) -> tuple[str, ...]:
        """The files of the networks it opens."""
        return tuple(manifest.for_task(task).file for task in self.tasks)


_COUNTED = {settings.METER: ("dynamodb:UpdateItem",)}
_GALLERY = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
)

AUTHORIZER = FunctionSpec(
    "authorizer",
    memory_mb=512,
    timeout_seconds=5,
    extras=("aws",),
    stores={settings.KEY_STORE: ("dynamodb:GetItem",)},
)
ANALYTICS = FunctionSpec(
    "analytics",
    memory_mb=settings.MB_PER_CORE,
    timeout_seconds=FUNCTION_SECONDS,
    tasks=ANALYSIS,
    extras=("aws", "http", "vision"),
    stores=_COUNTED,
)
EMOTION = FunctionSpec(
    "emotion",
    memory_mb=settings.MB_PER_CORE,
    timeout_seconds=FUNCTION_SECONDS,
    tasks=EMOTION_TASKS,
    extras=("aws", "http", "vision"),
    stores=_COUNTED,
)
RECOGNITION = FunctionSpec(
    "recognition",
    memory_mb=3008,
    timeout_seconds=FUNCTION_SECONDS,
    tasks=(*ANALYSIS, "embedding"),
    extras=("aws", "http", "vision"),
    stores=_COUNTED | {settings.GALLERY: _GALLERY},
)
ACCOUNT = FunctionSpec(
    "account",
    memory_mb=512,
    timeout_seconds=10,
    extras=("aws", "http"),
    stores={
        settings.METER: ("dynamodb:GetItem",),
        settings.UPLOAD_LOG: ("dynamodb:GetItem", "dynamodb:PutItem"),
    },
)
UPLOADS = FunctionSpec(
    "uploads",
    memory_mb=3008,
    timeout_seconds=120,  # a batch of photos of 25 MB each, from a cold start
    tasks=(*ANALYSIS, "embedding"),
    extras=("aws", "http", "vision"),
    stores={
        settings.METER: ("dynamodb:PutItem", "dynamodb:UpdateItem"),  # both in one transaction
        settings.GALLERY: ("dynamodb:BatchGetItem", "dynamodb:Query"),
        settings.UPLOAD_LOG: ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    },
)
WEBHOOKS = FunctionSpec(
    "webhooks",
    memory_mb=512,
    timeout_seconds=FUNCTION_SECONDS,
    extras=("aws", "http"),
    stores={settings.UPLOAD_LOG: ("dynamodb:GetItem",)},
)

FUNCTIONS = (AUTHORIZER, ANALYTICS, EMOTION, RECOGNITION, ACCOUNT, UPLOADS, WEBHOOKS)
