"""A deployment: the stack of what must survive, the stack of what may be replaced, and the rules both are held to."""

from __future__ import annotations

import aws_cdk as cdk

from infra.api_stack import ApiStack
from infra.config import Config
from infra.data_stack import DataStack
from infra.rules import hold_to_rules


def deployment(app: cdk.App) -> None:
    """Add Mien's stacks to an app, as its context says. Raises ConfigurationError."""
    config = Config.from_context(app.node.get_all_context())
    data = DataStack(app, "MienData", config)
    ApiStack(app, "MienApi", config, data)
    hold_to_rules(app)
