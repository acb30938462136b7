from __future__ import annotations

from collections.abc import Iterator

import pytest

from mien.domain import errors
from mien.domain.errors import MienError
from mien.http.errors import ERRORS, error_body


def leaves(kind: type[MienError]) -> Iterator[type[MienError]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


def test_every_leaf_of_the_error_tree_has_a_status_and_code() -> None:
    assert set(leaves(MienError)) == set(ERRORS)


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    assert errors.__doc__ is not None
    for leaf in leaves(MienError):
        assert leaf.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_a_body_has_the_contracts_four_fields(kind: type[MienError]) -> None:
    body = error_body(kind("What went wrong."), "id-1")
    assert body["status"] == "error"
    assert body["message"] == (body["detail"]["message"] if kind is errors.QuotaExceeded else body["detail"])
    assert body["error"] == {"code": ERRORS[kind].code, "request_id": "id-1"}


def test_arsas_own_words_are_used_for_its_own_errors() -> None:
    assert error_body(errors.InvalidApiKey("x"), "")["detail"] == "Invalid or inactive API key"
    assert error_body(errors.AccountSuspended("x"), "")["detail"] == "Account suspended"


def test_a_configuration_error_keeps_its_reason_to_itself() -> None:
    assert "/secret/path" not in str(error_body(errors.ConfigurationError("/secret/path is missing"), ""))
