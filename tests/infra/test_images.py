"""What goes into an image, and which edits change it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import botocore.session
import pytest
from aws_cdk import App, AssetStaging, Stack
from aws_cdk.aws_ecr_assets import DockerImageAsset
from botocore.loaders import Loader

from functions.keep_services import keep_services
from infra.functions import ACCOUNT, ANALYTICS, AUTHORIZER, FUNCTIONS, RECOGNITION, UPLOADS, WEBHOOKS
from infra.images import DOCKERFILE, image_asset
from mien import settings
from mien.adapters.aws import SERVICES
from mien.domain.errors import ConfigurationError
from models.pack import pack
from tests.infra.synthesis import Synthesis

CHECKOUT = settings.CHECKOUT
HANDLERS = sorted((CHECKOUT / "functions").glob("*/handler.py"))

ALL = {function.name for function in FUNCTIONS}
NONE: set[str] = set()
OPEN_NETWORKS = {function.name for function in FUNCTIONS if function.tasks}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to edit."""
    copy = tmp_path_factory.mktemp("copy") / "repository"
    for folder in ("bench", "docs", "functions", "layers", "models/built", "models/cards", "tests"):
        shutil.copytree(CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for file in ("README.md", "models/manifest.json", "models/pack.py"):
        shutil.copy(CHECKOUT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def hashes(repository: Path) -> dict[str, str]:
    return asset_hashes(repository)


def asset_hashes(repository: Path) -> dict[str, str]:
    """By function, as CDK makes them."""
    AssetStaging.clear_asset_hash_cache()
    stack = Stack(App(outdir=str(repository.parent / "cdk.out")), "stack")
    hashes = {}
    for function in FUNCTIONS:
        asset = image_asset(function, repository)
        image = DockerImageAsset(
            stack,
            function.name,
            directory=asset.directory,
            file=asset.file,
            build_args=asset.build_args,
            exclude=asset.exclude,
        )
        hashes[function.name] = image.asset_hash
    return hashes


def installed_by(function: str) -> set[str]:
    """The distributions that a function's lock names."""
    lock = (CHECKOUT / "functions" / function / "requirements.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w-]+)==", lock, re.MULTILINE))


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        (DOCKERFILE, ALL),
        ("functions/keep_services.py", ALL),
        ("functions/analytics/handler.py", {ANALYTICS.name}),
        ("functions/authorizer/handler.py", {AUTHORIZER.name}),
        ("functions/account/requirements.txt", {ACCOUNT.name}),
        ("functions/recognition/requirements.txt", {RECOGNITION.name}),
        ("functions/uploads/handler.py", {UPLOADS.name}),
        ("layers/mien/settings.py", ALL),
        ("layers/mien/vision/engine.py", ALL),
        ("layers/mien/cli/main.py", NONE),
        ("layers/mien/local/server.py", NONE),
        ("layers/mien/openapi/document.py", NONE),
        ("layers/mien/http/openapi.json", ALL),
        ("layers/mien/http/models.json", ALL),
        ("layers/mien/playground/index.html", ALL),
        ("layers/mien/__pycache__/settings.cpython-313.pyc", NONE),
        ("layers/pyproject.toml", NONE),
        ("models/built/faceplugin-embedding.onnx", {RECOGNITION.name, UPLOADS.name}),
        ("models/built/yunet-2023mar.onnx", OPEN_NETWORKS),
        ("models/built/manifest.json", OPEN_NETWORKS),
        ("models/cards/yunet-2023mar.md", NONE),
        ("models/pack.py", ALL),
        ("docs/contributing.md", NONE),
        ("tests/conftest.py", NONE),
        ("bench/speed.py", NONE),
        ("README.md", NONE),
    ],
)
def test_an_edit_changes_the_images_that_hold_the_file_and_no_others(
    repository: Path, hashes: dict[str, str], edited: str, changed: set[str]
) -> None:
    file = repository / edited
    content = file.read_bytes() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((content or b"") + b"\n# edited\n")
    try:
        after = asset_hashes(repository)
    finally:
        file.unlink() if content is None else file.write_bytes(content)
    assert {name for name in ALL if after[name] != hashes[name]} == changed


START = """
import re, runpy, sys
from importlib.metadata import packages_distributions

handler, *installed = sys.argv[1:]
distributions = packages_distributions()

class OnlyTheInstalled:
    def find_spec(name, path=None, target=None):
        owners = {re.sub("[-_.]+", "-", owner).lower() for owner in distributions.get(name.partition(".")[0], ())}
        if owners - {"mien"} and not owners & set(installed):
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, OnlyTheInstalled)
runpy.run_path(handler)
"""


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.parent.name)
def test_a_function_starts_with_nothing_but_what_it_installs(handler: Path) -> None:
    variables = {
        settings.KEY_STORE: "dynamodb:keys",
        settings.GALLERY: "dynamodb:faces",
        settings.METER: "dynamodb:meter",
        settings.PHOTOS: "s3:photos",
        settings.UPLOAD_LOG: "dynamodb:uploads",
        settings.ANNOUNCER: "events:bus",
        settings.WEBHOOK_QUEUE: "sqs:https://sqs.eu-central-1.amazonaws.com/000000000000/webhooks",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [sys.executable, "-c", START, str(handler), *installed_by(handler.parent.name)]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_looks_at_no_face_installs_no_network_library() -> None:
    for function in (AUTHORIZER, ACCOUNT, WEBHOOKS):
        assert not installed_by(function.name) & {"numpy", "onnxruntime", "opencv-python-headless"}


def test_no_lock_names_a_registry() -> None:
    for lock in [CHECKOUT / "requirements.txt", *(CHECKOUT / "functions").glob("*/requirements.txt")]:
        assert "://" not in lock.read_text()


def test_networks_are_packed_with_their_manifest_and_without_the_others(tmp_path: Path) -> None:
    pack(settings.models_folder(), tmp_path / "packed", ["yunet-2023mar.onnx"])
    assert {file.name for file in (tmp_path / "packed").iterdir()} == {"manifest.json", "yunet-2023mar.onnx"}


def test_a_function_without_networks_gets_none(tmp_path: Path) -> None:
    pack(tmp_path / "not built", tmp_path / "packed", [])
    assert not list((tmp_path / "packed").iterdir())


@pytest.mark.parametrize("content", [b"other weights", None])
def test_a_network_that_is_not_the_manifests_is_not_packed(tmp_path: Path, content: bytes | None) -> None:
    built = tmp_path / "built"
    built.mkdir()
    shutil.copy(settings.models_folder() / "manifest.json", built)
    if content is not None:
        (built / "yunet-2023mar.onnx").write_bytes(content)
    with pytest.raises(SystemExit, match="Run `make models`"):
        pack(built, tmp_path / "packed", ["yunet-2023mar.onnx"])
    assert not (tmp_path / "packed" / "yunet-2023mar.onnx").exists()


@pytest.fixture
def botocore_data(tmp_path: Path) -> Path:
    """A copy to remove from."""
    return shutil.copytree(Path(botocore.__file__).parent / "data", tmp_path / "data")


def test_botocore_makes_clients_of_the_services_that_an_image_keeps(botocore_data: Path) -> None:
    keep_services(botocore_data, SERVICES)
    assert {each.name for each in botocore_data.iterdir() if each.is_dir()} == set(SERVICES)
    session = botocore.session.Session()
    session.set_credentials("nobody", "nothing")
    kept = Loader(extra_search_paths=[str(botocore_data)], include_default_search_paths=False)
    session.register_component("data_loader", kept)
    for service in SERVICES:
        client = session.create_client(service, region_name="eu-central-1")
        assert client.meta.endpoint_url.endswith("eu-central-1.amazonaws.com")


def test_a_service_that_botocore_does_not_know_stops_the_build(botocore_data: Path) -> None:
    before = sorted(each.name for each in botocore_data.iterdir())
    with pytest.raises(SystemExit, match="knows nothing of dynamite"):
        keep_services(botocore_data, ["dynamodb", "dynamite"])
    assert sorted(each.name for each in botocore_data.iterdir()) == before


def test_the_dockerfile_passes_the_linter() -> None:
    linter = Path(sysconfig.get_path("scripts"), "hadolint")
    done = subprocess.run([linter, CHECKOUT / DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_template_tells_each_image_its_function_and_models(plain: Synthesis) -> None:
    assets = json.loads((plain.folder / "MienApi.assets.json").read_text(encoding="utf-8"))
    built = {each["source"]["dockerBuildArgs"]["FUNCTION"]: each["source"] for each in assets["dockerImages"].values()}
    assert built.keys() == ALL
    for function in (each for each in FUNCTIONS if each.name in built):
        source, asset = built[function.name], image_asset(function)
        assert source["dockerBuildArgs"] == asset.build_args
        assert source["platform"] == "linux/amd64"
        seen = plain.folder / source["directory"]
        assert (seen / DOCKERFILE).is_file()
        assert [each.name for each in (seen / "functions").iterdir() if each.is_dir()] == [function.name]


def test_a_checkout_without_models_says_how_to_make_them(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(CHECKOUT / "models" / "manifest.json", tmp_path / "models")
    with pytest.raises(ConfigurationError, match="Run `make models`"):
        image_asset(ANALYTICS, tmp_path)
