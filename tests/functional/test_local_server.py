"""The server as its user has it: a process started by the command, asked over HTTP."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from mien.adapters.sqlite_keys import SqliteKeyStore
from mien.domain.keys import ApiKey, KeyStatus, hash_secret
from tests.functional.servers import Server, start, stop


def children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()


def error(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    assert body["status"] == "error"
    assert body["message"]
    assert body["message"] == body["detail"]
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    return response.status_code, body["error"]["code"]


def test_it_prints_its_address_the_key_and_a_curl_line_that_works(server: Server) -> None:
    assert server.url in server.output
    assert server.key in server.output
    curl = next(line for line in server.output.splitlines() if "curl" in line)
    done = subprocess.run(curl, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert json.loads(done.stdout)["face_count"] == 1


def test_the_demo_key_is_the_owners_alone_and_only_its_hash_is_stored(server: Server) -> None:
    assert (server.state / "demo-key").stat().st_mode & 0o077 == 0
    database = b"".join(file.read_bytes() for file in server.state.glob("mien.sqlite*"))
    assert hash_secret(server.key).encode() in database
    assert server.key.encode() not in database


def test_a_photo_comes_back_as_faces(server: Server, photo) -> None:
    response = server.analyse(photo("astronaut"))
    body = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == body["request_id"]
    assert body["faces"][0]["expression"] == "happy"


@pytest.mark.parametrize("key", [True, False])
def test_every_answer_may_be_read_by_a_page_of_any_origin(server: Server, photo, key: bool) -> None:
    response = server.analyse(photo("coffee"), key=server.key if key else "wrong")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == "*"


def test_two_photos_are_compared(server: Server, photo) -> None:
    def same(first: str, second: str) -> bool:
        files = {"image1": photo(first), "image2": photo(second)}
        return bool(server.post("/api/v1/face_recognition/validate_faces", files=files).json()["match_result"])

    assert same("obama", "obama2")
    assert not same("obama", "biden")


def test_every_refusal_has_the_contracts_body_and_leaves_the_server_serving(
    server: Server, photo, sixty_megapixel_png: bytes
) -> None:
    good = photo("astronaut")
    assert error(server.analyse(good, key="wrong")) == (401, "invalid_api_key")
    assert error(server.analyse(good, key=None)) == (401, "invalid_api_key")
    assert error(server.post("/api/v1/face_analytics")) == (422, "missing_field")
    assert error(server.post("/api/v1/face_analytics", files={"image": good})) == (422, "missing_field")
    assert error(server.post("/api/v1/face_analytics", data=b"")) == (422, "missing_field")
    assert error(server.analyse(b"This is a text file named photo.jpg.")) == (415, "unsupported_image")
    assert error(server.analyse(good[:-1000])) == (422, "undecodable_image")
    assert error(server.analyse(sixty_megapixel_png)) == (413, "image_too_large")
    assert error(server.analyse(good + bytes(4 * 1024 * 1024))) == (413, "image_too_large")
    assert error(server.analyse(good + bytes(5_000_000))) == (413, "image_too_large")
    assert error(server.analyse(good + bytes(12_000_000))) == (413, "image_too_large")
    assert error(server.post("/api/v1/nothing")) == (404, "not_found")
    assert error(requests.get(f"{server.url}/api/v1/face_analytics", timeout=10)) == (405, "method_not_allowed")
    headers = {"content-type": "multipart/form-data; boundary=B", "x-key-secret": server.key}
    broken = requests.post(f"{server.url}/api/v1/face_liveness", data=b"--B\r\nrubbish", headers=headers, timeout=10)
    assert error(broken) == (400, "malformed_request")
    assert server.analyse(good).status_code == 200


def test_a_suspended_account_is_told_so(server: Server, photo) -> None:
    store = SqliteKeyStore(server.state / "mien.sqlite")
    store.put(
        ApiKey(
            hash_secret("mien_late"), "key-2", "tenant-2", "late payer", "free", KeyStatus.SUSPENDED, datetime.now(UTC)
        )
    )
    store.close()
    assert error(server.analyse(photo("astronaut"), key="mien_late")) == (403, "account_suspended")


def test_many_clients_at_once_each_get_their_own_answer(server: Server, photo, six_people_jpeg: bytes) -> None:
    photos = {
        "astronaut": photo("astronaut"),
        "coffee": photo("coffee"),
        "obama": photo("obama"),
        "six": six_people_jpeg,
    }
    alone = {name: server.analyse(data).json()["faces"] for name, data in photos.items()}
    work = [name for name in photos for _ in range(8)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda name: server.analyse(photos[name]), work))
    assert [answer.status_code for answer in answers] == [200] * len(work)
    for name, answer in zip(work, answers, strict=True):
        assert answer.json()["faces"] == alone[name]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(work)


def test_a_client_that_hangs_up_does_no_harm(server: Server, photo) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"POST /api/v1/face_analytics HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nhello"
            )
    assert server.analyse(photo("astronaut")).status_code == 200


def test_the_seed_pages_python_example_runs_unchanged(server: Server, photo, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo("obama"))
    example = f'''
import requests

API_KEY = "{server.key}"

response = requests.post(
    "{server.url}/api/v1/face_analytics",
    headers={{"x-key-secret": API_KEY}},
    files={{"face_image": open("photo.jpg", "rb")}}
)

result = response.json()
for face in result["faces"]:
    print(f"Expression: {{face['expression']}}")
    print(f"Age: {{face['age']}}")
    print(f"Gender: {{face['gender']}}")
'''
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Expression: happy" in done.stdout
    assert "Gender: male" in done.stdout


def test_the_seed_pages_batch_example_runs_unchanged(server: Server, photo, tmp_path: Path) -> None:
    for number, name in enumerate(["astronaut", "obama", "obama2", "biden", "coffee"], start=1):
        (tmp_path / f"img{number}.jpg").write_bytes(photo(name))
    example = f'''
import requests
from concurrent.futures import ThreadPoolExecutor

API_KEY = "{server.key}"
API_URL = "{server.url}/api/v1/face_analytics"

def analyze_single(image_path):
    try:
        response = requests.post(
            API_URL,
            headers={{"x-key-secret": API_KEY}},
            files={{"face_image": open(image_path, "rb")}},
            timeout=15
        )
        return {{"path": image_path, "result": response.json()}}
    except Exception as e:
        return {{"path": image_path, "error": str(e)}}

# Process up to 5 images concurrently
image_paths = ["img1.jpg", "img2.jpg", "img3.jpg", "img4.jpg", "img5.jpg"]
with ThreadPoolExecutor(max_workers=5) as executor:
    results = list(executor.map(analyze_single, image_paths))

for r in results:
    if "error" in r:
        print(f"{{r['path']}}: Error - {{r['error']}}")
    else:
        faces = r["result"].get("faces", [])
        print(f"{{r['path']}}: {{len(faces)}} face(s) detected")
        for face in faces:
            print(f"  Age: {{face['age']:.0f}}, Gender: {{face['gender']}}, "
                  f"Expression: {{face['expression']}}")
'''
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count("1 face(s) detected") == 4
    assert "img5.jpg: 0 face(s) detected" in done.stdout


def test_the_seed_pages_curl_example_runs_unchanged(server: Server, photo, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(photo("obama"))
    curl = f'''curl -X POST "{server.url}/api/v1/face_analytics" \\
      -H "x-key-secret: {server.key}" \\
      -F "face_image=@photo.jpg"'''
    done = subprocess.run(curl, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602
    body = json.loads(done.stdout)
    assert body["status"] == "success"
    assert body["faces"][0].keys() >= {
        "expression",
        "age",
        "gender",
        "gender_probability",
        "bounding_box",
        "passive_liveness",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_keeps_its_key(how: signal.Signals, tmp_path: Path, functions: Path, photo) -> None:
    first = start(tmp_path, functions)
    assert first.analyse(photo("astronaut")).status_code == 200
    asked = time.monotonic()
    workers = children(first.process.pid)
    stop(first, how)
    assert time.monotonic() - asked < 8
    assert len(workers) >= 2
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    second = start(tmp_path, functions)
    assert second.key == first.key
    assert second.analyse(photo("astronaut")).status_code == 200
    stop(second)


def test_a_taken_port_is_told_with_a_way_out(server: Server) -> None:
    port = server.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "mien.cli.main", "serve", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert "PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_browser_may_call_from_another_page(server: Server, photo) -> None:
    asked = requests.options(f"{server.url}/api/v1/face_analytics", timeout=60)
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert "x-key-secret" in asked.headers["access-control-allow-headers"]
    assert requests.options(f"{server.url}/api/v1/none", timeout=60).status_code == 404
    assert server.analyse(photo("coffee")).headers["access-control-allow-origin"] == "*"


def test_on_a_connection_kept_open_no_answer_waits_for_an_acknowledgement(server: Server) -> None:
    """Which a client's kernel delays by 40 ms."""
    with requests.Session() as session:
        times = []
        for _ in range(9):
            start = time.perf_counter()
            session.get(f"{server.url}/api/v1/none", timeout=60)
            times.append(time.perf_counter() - start)
    assert sorted(times)[4] < 0.03
