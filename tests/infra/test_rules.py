"""What app.py makes, against AWS's rules of good practice and CloudFormation's own."""

from __future__ import annotations

from collections import defaultdict

from cfnlint.api import ManualArgs, lint

from infra.functions import AUTHORIZER, UPLOADS, WEBHOOKS
from mien.http.routes import ROUTES
from tests.infra.synthesis import Synthesis

# Each rule that is knowingly not followed, and by how many constructs; the reasons stand where they are acknowledged.
PUBLIC = len([route for route in ROUTES if route.public])
PATHS = len({route.path for route in ROUTES})
DEPLOYED = len({route.function for route in ROUTES} | {AUTHORIZER.name, UPLOADS.name, WEBHOOKS.name})
ACKNOWLEDGED = {
    "APIG2": 1,
    "APIG3": 1,
    "APIG4": PATHS + PUBLIC,  # the 405 of each path
    "APIG6": 1,
    "COG4": len(ROUTES) + PATHS,
    "IAM4": 1,
    # X-Ray, also for the state machine, which writes a file for each batch and names its executions in two ways;
    # photos and answers under any name, for the worker and for who signs forms; answers, for who tells webhooks.
    "IAM5": DEPLOYED + 1 + 1 + 2 + 2 + 2 + 1,
    "S1": 1,
}


def counted(synthesis: Synthesis) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for violation in synthesis.rule_report()["suppressedViolations"]:
        rule = violation["ruleName"].partition("[")[0].removeprefix("AwsSolutions-")
        found[rule] += len(violation["violatingConstructs"])
    return found


def test_no_rule_is_broken_unacknowledged(either: Synthesis) -> None:
    report = either.rule_report()
    assert report["pluginName"] == "AwsSolutions"
    assert report["conclusion"] == "success"
    assert report["violations"] == []


def test_exactly_the_acknowledged_rules_are_not_followed(plain: Synthesis) -> None:
    assert counted(plain) == ACKNOWLEDGED


def test_a_search_index_and_a_bucket_to_read_need_acknowledgements_more(switched: Synthesis) -> None:
    searching, buckets = 2, 2
    assert counted(switched) == ACKNOWLEDGED | {"IAM5": ACKNOWLEDGED["IAM5"] + searching + buckets}


def test_every_acknowledgement_gives_a_reason(either: Synthesis) -> None:
    for violation in either.rule_report()["suppressedViolations"]:
        assert len(violation["reason"]) > 20
        assert violation["acknowledgedAt"].count("/") >= 1  # never a whole stack


def test_cloudformation_finds_nothing_wrong(either: Synthesis) -> None:
    for file in either.files:
        # W3005: CDK says in DependsOn what a reference says already.
        assert lint(file.read_text(encoding="utf-8"), config=ManualArgs(ignore_checks=["W3005"])) == []


def test_the_templates_are_the_whole_deployment(plain: Synthesis) -> None:
    """So that nothing above passes because there was nothing to check."""
    assert len(plain.data.body["Resources"]) == 11
    assert len(plain.api.body["Resources"]) > 3 * len(ROUTES) + 20
