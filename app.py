"""Synthesises Mien's stacks. `make synth` and `make deploy` run it; docs/deploy.md says what they make."""

from __future__ import annotations

import aws_cdk as cdk

from infra.deployment import deployment
from mien.domain.errors import ConfigurationError

app = cdk.App()
try:
    deployment(app)
except ConfigurationError as error:
    raise SystemExit(f"app.py: {error}") from None
app.synth()
