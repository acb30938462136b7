"""What an image is built of: which files of the repository its build may see, and so which edits change it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.functions import FunctionSpec
from mien import settings
from mien.adapters.aws import SERVICES
from mien.domain.errors import ConfigurationError
from mien.vision.manifest import MANIFEST_NAME, load_manifest

DOCKERFILE = "functions/Dockerfile"

_NEVER = ("layers/mien/cli", "layers/mien/local", "layers/mien/openapi", "**/__pycache__")


@dataclass(frozen=True, slots=True)
class ImageAsset:
    """An image for CDK to build; its fields are arguments of `DockerImageCode.from_image_asset`."""

    directory: str
    file: str
    build_args: dict[str, str]
    exclude: list[str]


def image_asset(function: FunctionSpec, repository: Path = settings.CHECKOUT) -> ImageAsset:
    """A function's image. Its hash changes with the files that the build sees, and with no others.

    Raises:
        ConfigurationError: a model is not built.

    """
    models = function.model_files(load_manifest(repository / "models" / MANIFEST_NAME))
    for file in models:
        if not (repository / "models" / "built" / file).exists():
            raise ConfigurationError(f"{file} is not built. Run `make models`.")
    seen = [
        DOCKERFILE,
        "functions/keep_services.py",
        f"functions/{function.name}/requirements.txt",
        f"functions/{function.name}/handler.py",
        "layers/mien",
        "models/pack.py",
        *(f"models/built/{file}" for file in (MANIFEST_NAME, *models) if models),
    ]
    return ImageAsset(
        directory=str(repository),
        file=DOCKERFILE,
        build_args={"FUNCTION": function.name, "MODELS": " ".join(models), "SERVICES": " ".join(SERVICES)},
        exclude=["*", *(f"!{path}" for path in seen), *_NEVER],
    )
