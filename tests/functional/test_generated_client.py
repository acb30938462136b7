"""A client generated from the OpenAPI document, against the running server."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from mien.http import about
from tests.conftest import PHOTOS
from tests.functional.servers import Server

PROGRAM = """
import base64, io, json, sys
from pathlib import Path
from mien_client import AuthenticatedClient, Client
from mien_client.api.about import health, models
from mien_client.api.account import usage
from mien_client.api.faces import emotion_detection, face_analytics, validate_faces
from mien_client.api.people import delete_face, recognize_face, register_face, view_db
from mien_client.models import FaceImageForm, FaceImageInJson, ImageForm, ImagePairForm, PhotosForm
from mien_client.types import File

url, key, photos = sys.argv[1], sys.argv[2], Path(sys.argv[3])
client = AuthenticatedClient(url, token=key, prefix="", auth_header_name="x-key-secret")

def photo(name):
    return File(io.BytesIO((photos / f"{name}.jpg").read_bytes()), f"{name}.jpg", "image/jpeg")

text = base64.b64encode((photos / "obama.jpg").read_bytes()).decode()
in_form = face_analytics.sync(client=client, body=FaceImageForm(photo("obama")))
in_json = face_analytics.sync(client=client, body=FaceImageInJson(text), max_faces=1)
pair = validate_faces.sync(client=client, body=ImagePairForm(photo("obama"), photo("obama2")))
enrolled = register_face.sync(
    client=client, x_face_uid="barack", min_liveness=0.0, body=PhotosForm(photo("obama"), metadata="x")
)
found = recognize_face.sync(client=client, body=FaceImageForm(photo("obama2")))
listing = view_db.sync(client=client)
gone = delete_face.sync(client=client, x_face_uid="barack")
refused = face_analytics.sync_detailed(client=client, body=FaceImageInJson("bm8gcGhvdG8="))
json.dump({
    "health": health.sync(client=Client(url)).status,
    "models": len(models.sync(client=client).models),
    "alike": in_form.faces[0].to_dict() == in_json.faces[0].to_dict(),
    "gender": in_form.faces[0].gender,
    "emotion": emotion_detection.sync(client=client, body=ImageForm(photo("obama")))[0].emotion.value,
    "one person": pair.match_result,
    "enrolled": enrolled.num_of_faces,
    "found": found.faces[0].recognition_uidresult,
    "metadata": listing.faces_list[0].metadata,
    "deleted": gone.deleted_faces,
    "used": usage.sync(client=client).used,
    "refused": [int(refused.status_code), refused.parsed.error.code],
    "no key": face_analytics.sync(client=Client(url), body=FaceImageInJson(text)).error.code,
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package mien_client."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yml").write_text("package_name_override: mien_client\npost_hooks: []\n")
    command = [
        Path(sysconfig.get_path("scripts"), "openapi-python-client"),
        "generate",
        "--meta=none",
        f"--path={Path(about.__file__).with_name(about.DOCUMENT_NAME)}",
        f"--config={folder / 'config.yml'}",
        f"--output-path={folder / 'mien_client'}",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_a_generated_python_client_does_everything_that_a_caller_does(package: Path, server: Server) -> None:
    command = [sys.executable, "-c", PROGRAM, f"{server.url}/api/v1", server.key, str(PHOTOS)]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told == {
        "health": "success",
        "models": 6,
        "alike": True,
        "gender": "male",
        "emotion": "happy",
        "one person": True,
        "enrolled": 1,
        "found": "barack",
        "metadata": "x",
        "deleted": 1,
        "used": 6,
        "refused": [415, "unsupported_image"],
        "no key": "invalid_api_key",
    }
