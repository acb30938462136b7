"""What wakes somebody, and what they then look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.landing import Landing
from mien.http.observability import NAMESPACE

_PERIOD = Duration.minutes(5)
_SERVER_ERROR_SHARE = 0.01
_AGE = Duration.hours(1)  # longer than what is tried again takes to get through
_P99 = Duration.seconds(5)  # a cold start of the largest function fits into it


class Observability(Construct):
    """Errors and latency alarm where callers feel them, once; throttles of what callers wait for by function, because
    each has its own limit; uploads when they wait for long, or are given up; and what else alarms of its own.

    Few alarms are meant: an account has ten free, and this way idling stays free too.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        api: apigateway.RestApi,
        answering: Mapping[str, lambda_.Function],
        working: Sequence[lambda_.Function],
        landing: Landing,
        others: Sequence[cloudwatch.Alarm],
        email: str | None,
    ) -> None:
        """`answering` are the functions that callers wait for, `working` those that a queue feeds."""
        super().__init__(scope, id)
        self.topic = self._topic(email)
        alarms = [
            self._alarm("ServerErrors", api.metric_server_error(period=_PERIOD, statistic="avg"), _SERVER_ERROR_SHARE),
            self._alarm("P99", api.metric_latency(period=_PERIOD, statistic="p99"), _P99.to_milliseconds()),
            *(
                self._alarm(f"{name.title()}Throttles", function.metric_throttles(period=_PERIOD), 0)
                for name, function in answering.items()
            ),
            self._alarm("DeadLetters", _waiting(landing.dead_letters), 0),
            self._alarm("UploadsAge", _age(landing.queue), _AGE.to_seconds()),
            *others,
        ]
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        self._dashboard(api, [*answering.values(), *working], landing, alarms)

    def _topic(self, email: str | None) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", enforce_ssl=True)
        # A policy of one's own takes the place of SNS's, which lets in the account's alarms.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _alarm(self, name: str, metric: cloudwatch.Metric, above: float) -> cloudwatch.Alarm:
        """When it is above twice within three periods, so that a single bad minute wakes nobody."""
        return cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _dashboard(
        self,
        api: apigateway.RestApi,
        functions: Sequence[lambda_.Function],
        landing: Landing,
        alarms: Sequence[cloudwatch.Alarm],
    ) -> None:
        def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, period=_PERIOD)

        cloudwatch.Dashboard(
            self,
            "Dashboard",
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=24, height=3)],
                [
                    graph("Calls", api.metric_count()),
                    graph("Refused and failed", api.metric_client_error(), api.metric_server_error()),
                    graph("Latency", *(api.metric_latency(statistic=each) for each in ("p50", "p99"))),
                ],
                [
                    graph("Function errors", *(each.metric_errors() for each in functions)),
                    graph("Function throttles", *(each.metric_throttles() for each in functions)),
                    graph("Function p99", *(each.metric_duration(statistic="p99") for each in functions)),
                ],
                [
                    graph("Latency by endpoint", _all("endpoint", "Latency", "p50")),
                    graph("Cold starts", _all("endpoint", "ColdStarts", "Sum")),
                    graph("Refusals by code", _all("code", "Rejects", "Sum")),
                ],
                [
                    graph("Photos waiting", _waiting(landing.queue)),
                    graph("Oldest photo waiting", _age(landing.queue)),
                    graph("Photos given up", _waiting(landing.dead_letters)),
                ],
            ],
        )


def _waiting(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(period=_PERIOD)


def _age(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_age_of_oldest_message(period=_PERIOD)


def _all(dimension: str, metric: str, statistic: str) -> cloudwatch.MathExpression:
    """One of the functions' own metrics, for each value of a dimension that has come up."""
    schema = f"{{{NAMESPACE},service,{dimension}}}"
    found = f"SEARCH('{schema} MetricName=\"{metric}\"', '{statistic}', {_PERIOD.to_seconds()})"
    return cloudwatch.MathExpression(expression=found, label="", using_metrics={}, period=_PERIOD)
