"""Keys of every standing, made by the command and used over HTTP through the local gateway."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from mien.adapters.stores import open_meter
from mien.cli.main import mien
from mien.domain.uploads import METERED_AS, house_payer
from mien.domain.usage import month_of
from mien.ports.clock import utc_now
from tests.functional.servers import Server


@pytest.fixture
def keys(server: Server) -> Any:
    def run(*arguments: str) -> dict[str, Any]:
        command = ["keys", "--store", f"sqlite:{server.state / 'mien.sqlite'}", *arguments]
        result = CliRunner().invoke(mien, command)
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return run


def ask(server: Server, secret: str, photo: bytes) -> requests.Response:
    return server.post("/api/v1/face_analytics", key=secret, files={"face_image": ("p.jpg", photo)})


def usage(server: Server, secret: str) -> dict[str, Any]:
    headers = {"x-key-secret": secret}
    return requests.get(f"{server.url}/api/v1/usage", headers=headers, timeout=60).json()


def test_a_new_key_calls_and_sees_what_it_used(server: Server, keys: Any, photo) -> None:
    made = keys("create", "--name", "a shop", "--plan", "basic")
    answer = ask(server, made["secret"], photo("coffee"))
    assert answer.status_code == 200
    assert (answer.headers["x-usage-used"], answer.headers["x-usage-limit"]) == ("1", "10000")
    body = usage(server, made["secret"])
    assert (body["key_id"], body["plan"], body["used"]) == (made["id"], "basic", 1)
    assert "secret" not in keys("show", made["id"])


def test_suspended_and_revoked_and_unknown_keys_are_told_apart(server: Server, keys: Any, photo) -> None:
    suspended, revoked = keys("create", "--name", "late"), keys("create", "--name", "gone")
    keys("suspend", suspended["id"])
    keys("revoke", revoked["id"])
    answers = {
        secret: ask(server, secret, photo("coffee")) for secret in (suspended["secret"], revoked["secret"], "mien_none")
    }
    codes = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers.values()]
    assert codes == [(403, "account_suspended"), (401, "invalid_api_key"), (401, "invalid_api_key")]


def test_a_rotated_key_keeps_its_count_under_both_secrets(server: Server, keys: Any, photo) -> None:
    made = keys("create", "--name", "careful")
    assert ask(server, made["secret"], photo("coffee")).status_code == 200
    rotated = keys("rotate", made["id"])
    assert rotated["id"] == made["id"]
    assert ask(server, rotated["secret"], photo("coffee")).headers["x-usage-used"] == "2"
    assert ask(server, made["secret"], photo("coffee")).headers["x-usage-used"] == "3"
    ended = keys("rotate", made["id"], "--overlap-hours", "0")
    assert ask(server, ended["secret"], photo("coffee")).status_code == 200
    usable = [row["usable"] for row in keys("show", made["id"])["secrets"]]
    assert usable == [True, False, False]


def test_more_calls_a_second_than_the_plan_has_are_refused_for_a_moment(server: Server, keys: Any, photo) -> None:
    made = keys("create", "--name", "hasty")
    headers = {"x-key-secret": made["secret"]}
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: requests.get(f"{server.url}/api/v1/usage", headers=headers, timeout=60), range(16))
        )
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 1 <= len(refused) <= 11
    assert refused[0].json()["error"]["code"] == "rate_limited"
    assert refused[0].headers["retry-after"] == "1"


def test_a_switched_off_feature_is_gone_from_the_answers(server: Server, keys: Any, photo) -> None:
    made = keys("create", "--name", "careful", "--without", "emotion", "--without", "identification")
    (face,) = ask(server, made["secret"], photo("obama")).json()["faces"]
    assert "emotion" not in face
    assert "age" in face
    answer = server.post(
        "/api/v1/face_recognition/recognize_face", key=made["secret"], files={"face_image": ("p", photo("obama"))}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "feature_disabled")
    assert keys("set-without", made["id"], "age")["without"] == ["age"]


def test_usage_is_reported_by_the_command(server: Server, keys: Any, photo) -> None:
    made = keys("create", "--name", "reported")
    ask(server, made["secret"], photo("coffee"))
    store = f"sqlite:{server.state / 'mien.sqlite'}"
    options = ["--store", store, "--meter", store]
    lines = CliRunner().invoke(mien, ["usage", *options, "--key", made["id"]]).stdout.splitlines()
    (row,) = map(json.loads, lines)
    assert (row["used"], row["endpoints"], row["limit"]) == (1, {"face_analytics": 1}, 100)
    table = CliRunner().invoke(mien, ["usage", *options, "--all", "--csv"]).stdout
    assert f"{made['id']},free,{row['month']},face_analytics,1,,\n" in table
    assert f"{made['id']},free,{row['month']},all,1,100," in table
    assert CliRunner().invoke(mien, ["usage", *options, "--month", "soon"]).exit_code != 0


def test_photos_that_no_key_asked_for_are_reported_too(server: Server) -> None:
    store = f"sqlite:{server.state / 'mien.sqlite'}"
    with closing(open_meter(store)) as meter:
        meter.take_once(house_payer("acme").key_id, month_of(utc_now()), METERED_AS, None, "photo")
    said = CliRunner().invoke(mien, ["usage", "--store", store, "--meter", store, "--key", "uploads:acme"]).stdout
    assert json.loads(said)["endpoints"] == {"uploads": 1}
    assert json.loads(said)["limit"] is None


def test_a_key_that_is_not_there_is_told(server: Server) -> None:
    result = CliRunner().invoke(mien, ["keys", "--store", f"sqlite:{server.state / 'mien.sqlite'}", "show", "key-x"])
    assert result.exit_code != 0
    assert "key-x" in str(result.exception)
