"""What goes into an image, and what a change of a file makes anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest

from infra.config import Config
from infra.constructs.image_function import ImageFunction
from infra.functions import ANALYTICS, AUTHORIZER, RECOGNITION
from mien import settings
from mien.domain.errors import ConfigurationError
from mien.vision.manifest import load_manifest
from tests.infra.synthesis import Synthesis

SPECS = (AUTHORIZER, ANALYTICS, RECOGNITION)
MANIFEST = settings.CHECKOUT / "models" / "manifest.json"

Images = Callable[[Path], dict[str, str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout: stand-ins for all that images are made of, and for what they are not."""
    root = tmp_path / "checkout"
    names = [model.file for model in load_manifest(MANIFEST).models]
    files = [f"functions/{spec.name}/handler.py" for spec in SPECS] + [f"models/built/{name}" for name in names]
    for name in (*files, "functions/Dockerfile", "layers/mien/one.py", "tests/test_one.py", "README.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    shutil.copy(MANIFEST, root / "models" / "built" / "manifest.json")
    return root


@pytest.fixture
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The hash of each function's image, as made from a checkout."""

    def build(root: Path) -> dict[str, str]:
        app = cdk.App(outdir=str(tmp_path_factory.mktemp("images")))
        stack = cdk.Stack(app, "Images")
        for spec in SPECS:
            ImageFunction(stack, spec.name, spec=spec, config=Config(), root=root)
        app.synth()
        found = json.loads((Path(app.outdir) / "Images.assets.json").read_text(encoding="utf-8"))["dockerImages"]
        return {each["source"]["dockerBuildArgs"]["FUNCTION"]: name for name, each in found.items()}

    return build


@pytest.mark.parametrize(
    ("file", "made_anew"),
    [
        ("functions/analytics/handler.py", {"analytics"}),
        ("functions/authorizer/handler.py", {"authorizer"}),
        ("models/built/faceplugin-embedding.onnx", {"recognition"}),
        ("models/built/yunet-2023mar.onnx", {"analytics", "recognition"}),
        ("layers/mien/one.py", {"authorizer", "analytics", "recognition"}),
        ("functions/Dockerfile", {"authorizer", "analytics", "recognition"}),
        ("tests/test_one.py", set()),
        ("README.md", set()),
        ("layers/mien/__pycache__/one.cpython-313.pyc", set()),
    ],
)
def test_a_change_makes_only_the_images_it_goes_into(
    checkout: Path, images: Images, file: str, made_anew: set[str]
) -> None:
    before = images(checkout)
    (checkout / file).parent.mkdir(exist_ok=True)
    with (checkout / file).open("a") as changed:
        changed.write("\n# changed\n")
    after = images(checkout)
    assert {name for name in before if before[name] != after[name]} == made_anew


def test_an_image_is_told_its_function_and_models(plain: Synthesis) -> None:
    assets = json.loads((plain.folder / "MienApi.assets.json").read_text(encoding="utf-8"))
    manifest = load_manifest(MANIFEST)
    built = {each["source"]["dockerBuildArgs"]["FUNCTION"]: each["source"] for each in assets["dockerImages"].values()}
    for spec in SPECS:
        folder = plain.folder / built[spec.name]["directory"]
        models = spec.model_files(manifest)
        assert built[spec.name]["dockerBuildArgs"]["MODELS"] == " ".join(models)
        assert built[spec.name]["platform"] == "linux/amd64"
        assert {each.name for each in folder.glob("models/built/*.onnx")} == set(models)
        assert [each.name for each in (folder / "functions").iterdir() if each.is_dir()] == [spec.name]
        assert (folder / built[spec.name]["dockerFile"]).is_file()
        assert (folder / "layers" / "mien" / "settings.py").is_file()
        assert {each.name for each in folder.iterdir()} <= {"functions", "layers", "models"}


def test_a_checkout_without_models_says_how_to_make_them(checkout: Path) -> None:
    stack = cdk.Stack(cdk.App(), "Images")
    (checkout / "models" / "built" / "yunet-2023mar.onnx").unlink()
    with pytest.raises(ConfigurationError, match="Run `make models`"):
        ImageFunction(stack, "One", spec=ANALYTICS, config=Config(), root=checkout)
    (checkout / "models" / "built" / "manifest.json").unlink()
    with pytest.raises(ConfigurationError, match="Run `make models`"):
        ImageFunction(stack, "Two", spec=ANALYTICS, config=Config(), root=checkout)
