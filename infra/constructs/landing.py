"""Where photos land: a bucket, the queue that its notifications wait in, and the bus that tells what became of them."""

from __future__ import annotations

from typing import cast

from aws_cdk import Aws, CfnOutput, CfnResource, Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import Config
from infra.constructs.image_function import ImageFunction
from infra.functions import UPLOADS as WORKER
from infra.rules import acknowledge
from mien import settings
from mien.domain.uploads import BATCHES, RESULTS, UPLOADS

OBJECTS_OF_LANDING = "MienData:ExportsOutputFnGetAttLandingBucket6D60388FArnD709F264"
"""As cdk-nag writes the bucket's ARN, seen from the other stack."""

AT_ONCE = 10
"""Photos looked at side by side, where the switch `concurrency` does not say."""

_BATCH = 5
_DELIVERIES = 5
_NOTE_KEPT = Duration.days(14)  # the longest that SQS keeps a message
_BATCH_FILES_KEPT = Duration.days(30)


class Landing(Construct):
    """Photos under `uploads/`, answers under `results/`, what batches leave under `batches/`."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:
        super().__init__(scope, id)
        self._config = config
        self.dead_letters = self._queue("DeadLetters")
        self.queue = self._queue("Queue", sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_DELIVERIES))
        self.bucket = self._bucket()
        self.bus = events.EventBus(self, "Bus", event_bus_name=f"{Aws.STACK_NAME}-uploads")
        self.bus.apply_removal_policy(RemovalPolicy.RETAIN)
        CfnOutput(scope, "Bucket", value=self.bucket.bucket_name, description=settings.PHOTOS)
        CfnOutput(scope, "DeadLetters", value=self.dead_letters.queue_url, description=settings.DEAD_LETTERS)
        CfnOutput(scope, "EventBus", value=self.bus.event_bus_name, description=settings.ANNOUNCER)

    def feed(self, made: ImageFunction) -> None:
        """Let a function take photos from the queue, look at them, write their answers and tell of them."""
        function, keeps = made.function, self._config.photo_days > 0
        function.add_environment(settings.PHOTOS, f"s3:{self.bucket.bucket_name}")
        function.add_environment(settings.KEEP_PHOTOS, "on" if keeps else "off")
        function.add_environment(settings.ANNOUNCER, f"events:{self.bus.event_bus_name}")
        function.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=_BATCH,
                max_concurrency=max(2, self._config.concurrency.get(WORKER.name, AT_ONCE)),  # SQS takes no less
                report_batch_item_failures=True,
            )
        )
        read = ["s3:GetObject", "s3:GetObjectVersion"]
        delete = [] if keeps else ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        archives = [f"arn:{Aws.PARTITION}:s3:::{bucket}" for bucket in self._config.batch_buckets]
        allowed = {
            self.bucket.arn_for_objects(f"{UPLOADS}*"): [*read, *delete],
            self.bucket.arn_for_objects(f"{RESULTS}*"): ["s3:GetObject", "s3:PutObject"],
            # Who may not list a bucket is told that a photo is forbidden when it is gone.
            self.bucket.bucket_arn: ["s3:ListBucket"],
            **{f"{archive}/*": read for archive in archives},
            **{archive: ["s3:ListBucket"] for archive in archives},
            self.bus.event_bus_arn: ["events:PutEvents"],
        }
        for resource, actions in allowed.items():
            function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        wide = [
            *(f"{OBJECTS_OF_LANDING}/{prefix}*" for prefix in (UPLOADS, RESULTS)),
            *(f"arn:<AWS::Partition>:s3:::{bucket}/*" for bucket in self._config.batch_buckets),
        ]
        acknowledge(made, {f"IAM5[Resource::{objects}]": "Photos come under any name." for objects in wide})

    def open_door(self, made: ImageFunction) -> None:
        """Let a function sign forms that let photos land, and read their answers."""
        function = made.function
        function.add_environment(settings.PHOTOS, f"s3:{self.bucket.bucket_name}")
        for prefix, action in ((UPLOADS, "s3:PutObject"), (RESULTS, "s3:GetObject")):
            objects = self.bucket.arn_for_objects(f"{prefix}*")
            function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[objects]))
            acknowledge(made, {f"IAM5[Resource::{OBJECTS_OF_LANDING}/{prefix}*]": "Photos come under any name."})
        # Without it S3 says of an answer that is gone that it is forbidden.
        function.add_to_role_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]))

    def _queue(self, id: str, dead_letters: sqs.DeadLetterQueue | None = None) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            id,
            visibility_timeout=Duration.seconds(6 * WORKER.timeout_seconds),  # what AWS advises
            retention_period=_NOTE_KEPT,
            dead_letter_queue=dead_letters,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        _keep_policy(queue)
        return queue

    def _bucket(self) -> s3.Bucket:
        days = self._config.photo_days or _NOTE_KEPT.to_days()  # photos that nobody could look at go too
        bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(prefix=UPLOADS, expiration=Duration.days(days)),
                s3.LifecycleRule(prefix=RESULTS, expiration=Duration.days(self._config.result_days)),
                s3.LifecycleRule(prefix=BATCHES, expiration=_BATCH_FILES_KEPT),
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(1),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
            ],
            # Browsers post photos with a form that the API signed for them.
            cors=[s3.CorsRule(allowed_methods=[s3.HttpMethods.POST], allowed_origins=["*"], allowed_headers=["*"])],
        )
        _keep_policy(bucket)
        acknowledge(
            bucket, {"S1": "A log of accesses is a bucket that grows. CloudTrail's data events serve who asks."}
        )
        self._notify(bucket)
        return bucket

    def _notify(self, bucket: s3.Bucket) -> None:
        """Let S3 write to the queue. CDK's own way would add a function that does so at deployment."""
        # By account, because the bucket is made after this policy, which cannot name it therefore.
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        made = cast(s3.CfnBucket, bucket.node.default_child)
        made.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=self.queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=UPLOADS)]
                        )
                    ),
                )
            ]
        )
        bucket.node.add_dependency(self.queue.node.find_child("Policy"))


def _keep_policy(of: Construct) -> None:
    """What survives its stack keeps its rules."""
    policy = cast(CfnResource, of.node.find_child("Policy").node.default_child)
    policy.apply_removal_policy(RemovalPolicy.RETAIN)
