"""The running server against its OpenAPI document: requests of every kind, right and wrong, made from the document."""

from __future__ import annotations

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from mien.cli.sample_photos import jpeg, no_face, one_face
from mien.http import about
from tests.functional.servers import Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    negative_data_rejection,
]
EXAMPLES = 15
PHASES = [Phase.explicit, Phase.generate]  # a failure is shown as it was found

PHOTO = st.sampled_from([jpeg(no_face(16, 16)), jpeg(one_face(32, 32))])
schemathesis.openapi.format("binary", PHOTO | st.binary(max_size=200))
schemathesis.openapi.format("uri", st.just("https://127.0.0.1/photo.jpg"))  # which nobody fetches
for kind in ("image/jpeg", "image/png", "image/webp"):
    schemathesis.openapi.media_type(kind, PHOTO | st.binary(max_size=200))

config = SchemathesisConfig()
config.projects.default.generation = GenerationConfig(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
config.projects.default.checks.not_a_server_error.expected_statuses = ["2xx", "4xx", "501"]
config.projects.default.checks.negative_data_rejection.expected_statuses = ["4xx", "501"]  # 413 says no too
document = schemathesis.openapi.from_path(Path(about.__file__).with_name(about.DOCUMENT_NAME), config=config)


@document.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=list(HealthCheck)
)
def test_every_answer_is_one_that_the_document_promises(case: Case, server: Server) -> None:
    headers = {"x-key-secret": server.key}
    case.call_and_validate(base_url=f"{server.url}/api/v1", headers=headers, checks=CHECKS)
