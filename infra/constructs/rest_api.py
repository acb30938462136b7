"""The REST API: every route of the contract, most behind the authorizer, and API Gateway's own answers in our words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.gateway_responses import GatewayResponses
from infra.constructs.wrong_method import answer_wrong_methods
from infra.rules import acknowledge
from mien.domain.plans import ANONYMOUS
from mien.http.cors import ALLOWED_HEADERS
from mien.http.limits import AUTHORIZER_CACHE_SECONDS
from mien.http.routes import BINARY_MEDIA_TYPES, ROUTES, STAGE
from mien.http.wire import KEY_HEADER

# Neither headers, query nor address of the caller: no key, no uid, no person.
_ACCESS_LOG = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
    "authorizer_ms": "$context.authorizer.latency",
    "bytes": "$context.responseLength",
    "api_key_id": "$context.identity.apiKeyId",
    "error": "$context.error.responseType",
    "trace": "$context.xrayTraceId",
}

_ANONYMOUS = apigateway.MethodDeploymentOptions(
    throttling_rate_limit=ANONYMOUS.calls_per_second, throttling_burst_limit=ANONYMOUS.burst
)

_LOG_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_NOT_FOLLOWED = {
    "APIG2": "Functions validate: bodies are images and forms, and what is wrong is said in the contract's words.",
    "COG4": "Callers are programs with an API key, not people who sign in. The authorizer knows the keys.",
    f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_LOG_POLICY}]": "One role writes every API log of an account.",
}
_NOT_FOLLOWED_BY_THE_STAGE = {
    "APIG3": "A web ACL costs $5 a month and idling is to be free. Attach yours to the stage where you want one.",
    "APIG6": "Execution logs can hold headers, the key among them. The access log has every call, without them.",
}


class MienRestApi(apigateway.RestApi):
    """Stage `api` with all routes. `functions` answer them, by name."""

    def __init__(
        self, scope: Construct, id: str, *, authorizer: lambda_.IFunction, functions: Mapping[str, lambda_.Function]
    ) -> None:
        log = logs.LogGroup(
            scope, f"{id}AccessLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        super().__init__(
            scope,
            id,
            rest_api_name=Stack.of(scope).stack_name,  # its metrics go by this name, which must not be another's
            description="Mien: face analysis",
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            binary_media_types=list(BINARY_MEDIA_TYPES),
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=True,  # without it API Gateway writes no log in this account
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                tracing_enabled=True,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
                method_options={f"{route.path}/{route.method}": _ANONYMOUS for route in ROUTES if route.public},
            ),
        )
        self._add_routes(authorizer, functions)
        GatewayResponses(self, "Answers", api=self)
        acknowledge(self, _NOT_FOLLOWED)
        acknowledge(self.deployment_stage, _NOT_FOLLOWED_BY_THE_STAGE)

    def _add_routes(self, authorizer: lambda_.IFunction, functions: Mapping[str, lambda_.Function]) -> None:
        by_key = apigateway.RequestAuthorizer(
            self,
            "ByKey",
            handler=authorizer,
            identity_sources=[apigateway.IdentitySource.header(KEY_HEADER)],
            results_cache_ttl=Duration.seconds(AUTHORIZER_CACHE_SECONDS),
        )
        integrations = {
            name: apigateway.LambdaIntegration(function, allow_test_invoke=False)
            for name, function in functions.items()
        }
        for route in ROUTES:
            resource, integration = self.root.resource_for_path(route.path), integrations[route.function]
            if route.public:
                method = resource.add_method(
                    route.method, integration, authorization_type=apigateway.AuthorizationType.NONE
                )
                acknowledge(method, {"APIG4": "It answers the same to everyone, and no oftener than the stage allows."})
            else:
                resource.add_method(route.method, integration, authorizer=by_key, api_key_required=True)
        for path in dict.fromkeys(route.path for route in ROUTES):
            resource = self.root.resource_for_path(path)
            resource.add_cors_preflight(
                allow_origins=apigateway.Cors.ALL_ORIGINS,
                allow_methods=[route.method for route in ROUTES if route.path == path],
                allow_headers=list(ALLOWED_HEADERS),
                max_age=Duration.hours(1),
            )
            answer_wrong_methods(resource, path)
