"""What a path of the contract answers to methods that it has no route for."""

from __future__ import annotations

import json

from aws_cdk import aws_apigateway as apigateway

from infra.rules import acknowledge
from mien.http.gateway_responses import answer_of, wrong_method
from mien.http.routes import BINARY_MEDIA_TYPES

_JSON = "application/json"


def answer_wrong_methods(resource: apigateway.IResource, path: str) -> None:
    """Let API Gateway answer 405 itself; of its own accord it would say that the path is not there."""
    answer = answer_of(wrong_method(path, "$context.httpMethod"))
    status = str(answer.status)
    headers = {f"method.response.header.{name}": value for name, value in answer.headers.items()}
    integration = apigateway.MockIntegration(
        content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
        passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
        request_templates=dict.fromkeys((_JSON, *BINARY_MEDIA_TYPES), json.dumps({"statusCode": answer.status})),
        integration_responses=[
            apigateway.IntegrationResponse(
                status_code=status, response_parameters=headers, response_templates={_JSON: answer.body}
            )
        ],
    )
    method = resource.add_method(
        "ANY",
        integration,
        authorization_type=apigateway.AuthorizationType.NONE,
        method_responses=[
            apigateway.MethodResponse(status_code=status, response_parameters=dict.fromkeys(headers, True))
        ],
    )
    acknowledge(method, {"APIG4": "It answers that there is no such method, and nothing else."})
