"""The examples of the OpenAPI document are what a server answers."""

from __future__ import annotations

from bench import examples
from mien.openapi.document import recorded
from tests.alike import assert_alike
from tests.functional.servers import Server


def test_every_example_is_the_answer_given(server: Server) -> None:
    assert_alike(recorded()["answers"], dict(examples.answers(server)))
    assert_alike(recorded()["errors"], dict(examples.errors(server)))
