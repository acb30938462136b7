from __future__ import annotations

import re

from infra.functions import UPLOADS, WEBHOOKS
from mien import settings
from tests.infra.synthesis import Synthesis, strings

FREE_ALARMS = 10


def test_errors_latency_and_throttles_alarm(plain: Synthesis) -> None:
    alarms = plain.api.properties("AWS::CloudWatch::Alarm")
    names = sorted(alarm["MetricName"] for alarm in alarms)
    queues = ["ApproximateAgeOfOldestMessage", *["ApproximateNumberOfMessagesVisible"] * 2]
    answering = plain.api.functions().keys() - {UPLOADS.name, WEBHOOKS.name}
    assert names == sorted(["5XXError", "Latency", *queues, *["Throttles"] * len(answering)])
    (latency,) = [alarm for alarm in alarms if alarm["MetricName"] == "Latency"]
    assert latency["ExtendedStatistic"] == "p99"


def test_a_photo_or_a_webhook_that_was_given_up_alarms(plain: Synthesis) -> None:
    alarms = [
        each
        for each in plain.api.properties("AWS::CloudWatch::Alarm")
        if each["MetricName"] == "ApproximateNumberOfMessagesVisible"
    ]
    for alarm in alarms:
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    watched = "".join(text for alarm in alarms for text in strings(alarm["Dimensions"]))
    assert "DeadLetters" in watched
    assert "Undelivered" in watched


def test_every_alarm_tells_somebody_and_may(plain: Synthesis) -> None:
    (topic,) = plain.api.of_type("AWS::SNS::Topic")
    assert all(each["AlarmActions"] == [{"Ref": topic}] for each in plain.api.properties("AWS::CloudWatch::Alarm"))
    statements = plain.api.the_one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert {"Service": "cloudwatch.amazonaws.com"} in [
        each["Principal"] for each in statements if each["Effect"] == "Allow"
    ]


def test_an_address_is_told_where_one_is_given(plain: Synthesis, switched: Synthesis) -> None:
    assert plain.api.of_type("AWS::SNS::Subscription") == {}
    assert switched.api.the_one("AWS::SNS::Subscription")["Endpoint"] == "somebody@example.com"


def test_the_alarms_are_within_what_cloudwatch_gives_free(plain: Synthesis) -> None:
    assert len(plain.api.properties("AWS::CloudWatch::Alarm")) <= FREE_ALARMS


def test_the_dashboard_shows_calls_and_every_function(plain: Synthesis) -> None:
    body = set(strings(plain.api.the_one("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    assert set(plain.api.of_type("AWS::Lambda::Function")) <= body


def test_calls_are_traced_from_api_gateway_on(plain: Synthesis) -> None:
    assert plain.api.the_one("AWS::ApiGateway::Stage")["TracingEnabled"] is True


def test_every_alarm_is_on_the_page_about_operating_with_its_threshold(plain: Synthesis) -> None:
    page = (settings.CHECKOUT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|", page, re.MULTILINE))
    alarms = {
        re.sub(r"^Watch|.{8}$", "", name): alarm["Properties"]["Threshold"]  # as CDK names what a stack holds
        for name, alarm in plain.api.of_type("AWS::CloudWatch::Alarm").items()
    }
    assert rows.keys() == alarms.keys()
    said = {"ServerErrors": (0.01, "1 %"), "P99": (5000, "5 s"), "UploadsAge": (3600, "an hour")}
    for name, threshold in alarms.items():
        expected, words = said.get(name, (0, ""))
        assert threshold == expected
        assert words in rows[name]
