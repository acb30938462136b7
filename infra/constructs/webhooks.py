"""From the event that an upload is finished to the tenant's webhook: a rule, a queue, a function, and what failed."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import Config
from infra.constructs.image_function import ImageFunction
from infra.constructs.store import Store
from infra.functions import WEBHOOKS
from infra.rules import acknowledge
from mien import settings
from mien.domain.uploads import RESULTS, UPLOAD_FINISHED
from mien.domain.webhooks import MAX_TRIES
from mien.http.limits import HIDDEN_SECONDS

_KEPT = Duration.days(14)
_AT_ONCE = 20
"""Receivers that take their time must not use up the account's Lambdas, of which it has 1000 at first. Nor is a message
counted as received that no function was free for.
"""


class Webhooks(Construct):
    """The function puts what failed back into the queue, for longer each time; after the last try it is set aside, and
    an alarm tells.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Config,
        bus: events.IEventBus,
        uploads: Store,
        results: s3.IBucket,
        arn_in_rules: str,
    ) -> None:
        """`uploads` is the upload log's table; of the bucket `results` only the answers are read. `arn_in_rules` is its
        ARN as cdk-nag writes it, seen from this stack.
        """
        super().__init__(scope, id)
        self.undelivered = sqs.Queue(
            self, "Undelivered", retention_period=_KEPT, enforce_ssl=True, encryption=sqs.QueueEncryption.SQS_MANAGED
        )
        queue = sqs.Queue(
            self,
            "Queue",
            retention_period=_KEPT,
            visibility_timeout=Duration.seconds(HIDDEN_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.undelivered, max_receive_count=MAX_TRIES),
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        events.Rule(
            self,
            "Rule",
            event_bus=bus,
            event_pattern=events.EventPattern(detail_type=[UPLOAD_FINISHED]),
            targets=[targets.SqsQueue(queue, dead_letter_queue=self.undelivered)],
        )
        self._made = ImageFunction(self, WEBHOOKS.name.title(), spec=WEBHOOKS, config=config)
        self.function = self._made.function
        self.function.add_environment(settings.WEBHOOK_QUEUE, f"sqs:{queue.queue_url}")
        for setting, actions in WEBHOOKS.stores.items():
            {uploads.setting: uploads}[setting].open_to(self._made, actions)
        self._let_read_answers(results, arn_in_rules)
        # One a time: a receiver that takes its time holds up nobody else's.
        self.function.add_event_source(
            sources.SqsEventSource(queue, batch_size=1, max_concurrency=_AT_ONCE, report_batch_item_failures=True)
        )
        self.alarm = self._alarm()

    def _let_read_answers(self, results: s3.IBucket, arn_in_rules: str) -> None:
        self.function.add_environment(settings.PHOTOS, f"s3:{results.bucket_name}")
        read = iam.PolicyStatement(actions=["s3:GetObject"], resources=[results.arn_for_objects(f"{RESULTS}*")])
        # Without it S3 says of an answer that is gone that it is forbidden.
        look = iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[results.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{RESULTS}*"}},
        )
        for statement in (read, look):
            self.function.add_to_role_policy(statement)
        any_answer = f"IAM5[Resource::{arn_in_rules}/{RESULTS}*]"
        acknowledge(self._made, {any_answer: "Each answer is an object of its own, under a prefix of the bucket."})

    def _alarm(self) -> cloudwatch.Alarm:
        """As soon as anything is set aside, until somebody has looked after it."""
        return cloudwatch.Alarm(
            self,
            "UndeliveredAlarm",
            metric=self.undelivered.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic="max"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
