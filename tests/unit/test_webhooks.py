"""How webhooks are signed, held against the library that receivers would use, and when they are tried again."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import WebhookVerificationError

from mien import settings
from mien.domain.webhooks import MAX_TRIES, RETRY_WAITS, Webhook, new_webhook_secret, retry_wait

SECRET, OLD_SECRET = new_webhook_secret(), new_webhook_secret()
HOOK = Webhook("https://example.com/hook", SECRET)
BODY = '{"status": "success", "who": "ü"}'.encode()
SQS_HIDES_FOR = timedelta(hours=12)


def now() -> datetime:
    return datetime.now(UTC)


def verify(headers: dict[str, str], body: bytes = BODY, secret: str = SECRET) -> None:
    standardwebhooks.Webhook(secret).verify(body, headers)


def test_the_standard_library_accepts_what_we_sign() -> None:
    verify(dict(HOOK.signed("id", BODY, now())))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", "other"),
        ("webhook-timestamp", str(int(now().timestamp()) + 60)),
        ("webhook-signature", "v1,AAAA"),
    ],
)
def test_the_standard_library_refuses_other_headers(header: str, value: str) -> None:
    headers = dict(HOOK.signed("id", BODY, now()))
    with pytest.raises(WebhookVerificationError):
        verify(headers | {header: value})


def test_the_standard_library_refuses_another_body_and_another_secret() -> None:
    headers = dict(HOOK.signed("id", BODY, now()))
    with pytest.raises(WebhookVerificationError):
        verify(headers, BODY.replace(b"success", b"failure"))
    with pytest.raises(WebhookVerificationError):
        verify(headers, secret=OLD_SECRET)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_standard_library_refuses_what_was_sent_at_another_time(minutes: int) -> None:
    with pytest.raises(WebhookVerificationError):
        verify(dict(HOOK.signed("id", BODY, now() + timedelta(minutes=minutes))))


def test_the_specifications_example_comes_out() -> None:
    """The test vector of the reference libraries."""
    hook = Webhook("https://example.com", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = hook.signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC)
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_secrets_sign_until_the_old_one_ends() -> None:
    changing = Webhook(HOOK.url, SECRET, OLD_SECRET, now() + timedelta(hours=1))
    for secret in (SECRET, OLD_SECRET):
        verify(dict(changing.signed("id", BODY, now())), secret=secret)
    changed = Webhook(HOOK.url, SECRET, OLD_SECRET, now())
    verify(dict(changed.signed("id", BODY, now())))
    with pytest.raises(WebhookVerificationError):
        verify(dict(changed.signed("id", BODY, now())), secret=OLD_SECRET)


def test_secrets_are_as_long_as_the_specification_asks_and_never_the_same() -> None:
    assert 24 <= len(base64.b64decode(SECRET.removeprefix("whsec_"))) <= 64
    assert SECRET != OLD_SECRET


def test_a_secret_is_in_no_representation() -> None:
    assert SECRET not in repr(HOOK)
    assert OLD_SECRET not in repr(Webhook(HOOK.url, SECRET, OLD_SECRET))


@given(st.integers(1, MAX_TRIES - 1), st.floats(0, 1))
def test_a_wait_is_between_half_of_its_longest_and_that(tries: int, share: float) -> None:
    assert RETRY_WAITS[tries - 1] / 2 <= retry_wait(tries, share) <= RETRY_WAITS[tries - 1]


def test_waits_grow_and_fit_into_what_sqs_can_hide() -> None:
    assert list(RETRY_WAITS) == sorted(RETRY_WAITS)
    assert max(RETRY_WAITS) < SQS_HIDES_FOR - timedelta(minutes=10)


@pytest.mark.parametrize("tries", [MAX_TRIES, MAX_TRIES + 1])
def test_after_the_last_try_there_is_nothing_to_wait_for(tries: int) -> None:
    assert retry_wait(tries, 1) == timedelta()


def test_the_waits_in_the_docs_are_these() -> None:
    docs = (settings.CHECKOUT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    units = {"min": timedelta(minutes=1), "h": timedelta(hours=1)}
    rows = re.findall(r"^\| ([\d, ]+) \| (\d+) (min|h)", docs, re.MULTILINE)
    shown = {int(each): int(count) * units[unit] for tries, count, unit in rows for each in tries.split(",")}
    assert shown == dict(enumerate(RETRY_WAITS, start=1))
