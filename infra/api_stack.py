"""What may be replaced at any time: the API, its functions, and what watches them."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Config
from infra.constructs.back_catalogue import BackCatalogue
from infra.constructs.image_function import ImageFunction
from infra.constructs.landing import OBJECTS_OF_LANDING
from infra.constructs.observability import Observability
from infra.constructs.rest_api import MienRestApi
from infra.constructs.usage_plans import UsagePlans
from infra.constructs.webhooks import Webhooks
from infra.data_stack import DataStack
from infra.functions import ACCOUNT, AUTHORIZER, FUNCTIONS, UPLOADS, FunctionSpec
from mien import settings
from mien.http.routes import ROUTES, VERSION_PATH


class ApiStack(Stack):
    """A function for each family of routes and the REST API in front of them; one for photos that land, the state
    machine that hands it whole buckets, and one that tells webhooks.
    """

    def __init__(self, scope: Construct, id: str, config: Config, data: DataStack) -> None:
        super().__init__(scope, id, description="Mien: the API and its functions")
        self._config, self._data = config, data
        authorizer = self._function(AUTHORIZER).function
        answering = {route.function for route in ROUTES}
        made: dict[str, ImageFunction] = {
            spec.name: self._function(spec) for spec in FUNCTIONS if spec.name in answering
        }
        functions: dict[str, lambda_.Function] = {name: each.function for name, each in made.items()}
        uploads = self._function(UPLOADS)
        data.landing.feed(uploads)
        batches = BackCatalogue(
            self, "Batches", worker=uploads.function, results=data.landing.bucket, buckets=config.batch_buckets
        )
        data.landing.open_door(made[ACCOUNT.name])
        webhooks = Webhooks(
            self,
            "Webhooks",
            config=config,
            bus=data.landing.bus,
            uploads=data.stores[settings.UPLOAD_LOG],
            results=data.landing.bucket,
            arn_in_rules=OBJECTS_OF_LANDING,
        )
        api = MienRestApi(self, "Api", authorizer=authorizer, functions=functions)
        plans = UsagePlans(self, "Plans", api=api)
        watch = Observability(
            self,
            "Watch",
            api=api,
            answering={AUTHORIZER.name: authorizer} | functions,
            working=[uploads.function, webhooks.function],
            landing=data.landing,
            others=[webhooks.alarm],
            email=config.alarm_email,
        )
        CfnOutput(self, "Url", value=api.url_for_path(VERSION_PATH))
        CfnOutput(self, "Playground", value=api.url)
        CfnOutput(self, "ApiId", value=api.rest_api_id, description=settings.API)
        CfnOutput(self, "AlarmTopic", value=watch.topic.topic_arn)
        CfnOutput(self, "BatchMachine", value=batches.machine.state_machine_arn, description=settings.BATCHES)
        for name, usage_plan in plans.ids.items():
            CfnOutput(self, f"{name.title()}Plan", value=usage_plan)

    def _function(self, spec: FunctionSpec) -> ImageFunction:
        made = ImageFunction(self, spec.name.title(), spec=spec, config=self._config)
        if spec.tasks and spec is not UPLOADS:
            made.function.add_environment(settings.URL_FETCH, "on" if self._config.url_fetch else "off")
        for setting, actions in spec.stores.items():
            self._data.stores[setting].open_to(made, actions)
        return made
