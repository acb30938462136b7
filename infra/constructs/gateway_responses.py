"""API Gateway's own answers, in the contract's words."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from mien.http.gateway_responses import GATEWAY_ERRORS, gateway_response


class GatewayResponses(Construct):
    """An answer for each response type that API Gateway has."""

    def __init__(self, scope: Construct, id: str, *, api: apigateway.RestApi) -> None:
        super().__init__(scope, id)
        for kind in GATEWAY_ERRORS:
            answer = gateway_response(kind)
            apigateway.GatewayResponse(
                self,
                kind.title().replace("_", ""),
                rest_api=api,
                type=apigateway.ResponseType.of(kind),
                status_code=None if answer.status is None else str(answer.status),
                response_headers=answer.headers,
                templates={"application/json": answer.body},
            )
