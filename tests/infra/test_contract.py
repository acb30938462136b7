"""The template against the contract: a route, plan or error that one has and the other has not fails here."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import aws_apigateway as apigateway

from mien.domain.plans import ANONYMOUS, PLANS, Plan
from mien.http.errors import ERRORS
from mien.http.gateway_responses import GATEWAY_ERRORS
from mien.http.limits import AUTHORIZER_CACHE_SECONDS
from mien.http.routes import BINARY_MEDIA_TYPES, PLAYGROUND, ROUTES, STAGE, Route
from mien.http.wire import KEY_HEADER, UID_HEADER
from tests.infra.synthesis import Synthesis, strings

BY_PLAN = pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
PUBLIC = [route for route in ROUTES if route.public]
KEYED = [route for route in ROUTES if not route.public]
BY_KIND = pytest.mark.parametrize("kind", GATEWAY_ERRORS)
PATHS = sorted({route.path for route in ROUTES})


def test_the_api_has_every_route_of_the_contract_and_no_other(plain: Synthesis) -> None:
    methods = set(plain.api.methods())
    answers = {(method, path) for method, path in methods if method not in ("ANY", "OPTIONS")}
    assert answers == {(route.method, route.path) for route in ROUTES}
    assert methods - answers == {(method, path) for method in ("ANY", "OPTIONS") for path in PATHS}


def ids(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", KEYED, ids=ids)
def test_a_route_asks_for_a_key_and_is_answered_by_its_function(plain: Synthesis, route: Route) -> None:
    method = plain.api.methods()[route.method, route.path]
    (authorizer,) = plain.api.of_type("AWS::ApiGateway::Authorizer")
    assert method["AuthorizationType"] == "CUSTOM"
    assert method["AuthorizerId"] == {"Ref": authorizer}
    assert method["ApiKeyRequired"] is True
    assert_answered_by_its_function(plain, route)


@pytest.mark.parametrize("route", PUBLIC, ids=ids)
def test_a_public_route_asks_for_no_key_and_has_a_rate_of_its_own(plain: Synthesis, route: Route) -> None:
    method = plain.api.methods()[route.method, route.path]
    assert method["AuthorizationType"] == "NONE"
    assert not method.get("ApiKeyRequired")
    assert_answered_by_its_function(plain, route)
    written = "/" if route is PLAYGROUND else "/" + route.path.replace("/", "~1")
    (limit,) = [each for each in stage_settings(plain) if each["ResourcePath"] == written]
    assert limit["HttpMethod"] == route.method
    assert limit["ThrottlingRateLimit"] == ANONYMOUS.calls_per_second
    assert limit["ThrottlingBurstLimit"] == ANONYMOUS.burst


def stage_settings(plain: Synthesis) -> list[dict[str, Any]]:
    settings: list[dict[str, Any]] = plain.api.the_one("AWS::ApiGateway::Stage")["MethodSettings"]
    return settings


def assert_answered_by_its_function(plain: Synthesis, route: Route) -> None:
    method = plain.api.methods()[route.method, route.path]
    assert method["Integration"]["Type"] == "AWS_PROXY"
    functions = plain.api.of_type("AWS::Lambda::Function")
    (asked,) = {each for each in strings(method["Integration"]["Uri"]) if each in functions}
    assert functions[asked]["Properties"]["Description"] == f"Mien: {route.function}"


@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_405_to_other_methods_in_the_contracts_body(plain: Synthesis, path: str) -> None:
    method = plain.api.methods()["ANY", path]
    assert method["AuthorizationType"] == "NONE"
    assert method["Integration"]["Type"] == "MOCK"
    (answer,) = method["Integration"]["IntegrationResponses"]
    assert answer["StatusCode"] == "405"
    body = json.loads(answer["ResponseTemplates"]["application/json"])
    assert body["error"] == {"code": "method_not_allowed", "request_id": "$context.requestId"}
    for route in ROUTES:
        assert (route.method in body["detail"]) == (route.path == path) or route.path != path
    methods = [route.method for route in ROUTES if route.path == path]
    assert answer["ResponseParameters"]["method.response.header.allow"] == f"'{', '.join([*methods, 'OPTIONS'])}'"
    assert answer["ResponseParameters"].keys() == method["MethodResponses"][0]["ResponseParameters"].keys()


@pytest.mark.parametrize("path", PATHS)
def test_browsers_may_send_the_key_and_the_uid(plain: Synthesis, path: str) -> None:
    (answer,) = plain.api.methods()["OPTIONS", path]["Integration"]["IntegrationResponses"]
    headers = {name.rpartition(".")[2].lower(): value for name, value in answer["ResponseParameters"].items()}
    assert headers["access-control-allow-origin"] == "'*'"
    assert {KEY_HEADER, UID_HEADER, "content-type"} <= set(
        headers["access-control-allow-headers"].strip("'").split(",")
    )
    allowed = set(headers["access-control-allow-methods"].strip("'").split(","))
    assert allowed == {route.method for route in ROUTES if route.path == path}


def test_the_key_is_told_by_the_authorizer_from_its_header(plain: Synthesis) -> None:
    assert plain.api.the_one("AWS::ApiGateway::RestApi")["ApiKeySourceType"] == "AUTHORIZER"
    authorizer = plain.api.the_one("AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "REQUEST"
    assert authorizer["IdentitySource"] == f"method.request.header.{KEY_HEADER}"
    assert authorizer["AuthorizerResultTtlInSeconds"] == AUTHORIZER_CACHE_SECONDS


def test_images_reach_functions_unharmed(plain: Synthesis) -> None:
    assert plain.api.the_one("AWS::ApiGateway::RestApi")["BinaryMediaTypes"] == list(BINARY_MEDIA_TYPES)


def test_the_stage_is_the_first_part_of_every_url(plain: Synthesis) -> None:
    assert plain.api.the_one("AWS::ApiGateway::Stage")["StageName"] == STAGE


def test_api_gateway_has_an_answer_for_every_case_in_the_table(plain: Synthesis) -> None:
    answers = [each["ResponseType"] for each in plain.api.properties("AWS::ApiGateway::GatewayResponse")]
    assert sorted(answers) == sorted(GATEWAY_ERRORS)


def test_the_table_has_every_case_that_api_gateway_knows() -> None:
    constants = [name for name in dir(apigateway.ResponseType) if name.isupper()]
    kinds = {getattr(apigateway.ResponseType, name).response_type for name in constants}
    assert len(kinds) > 15
    assert set(GATEWAY_ERRORS) == kinds - {"WAF_FILTERED"}  # whoever attaches a firewall chooses its words


@BY_KIND
def test_api_gateway_answers_with_the_contracts_status_body_and_headers(plain: Synthesis, kind: str) -> None:
    answers = plain.api.properties("AWS::ApiGateway::GatewayResponse")
    (answer,) = [each for each in answers if each["ResponseType"] == kind]
    entry = ERRORS[type(GATEWAY_ERRORS[kind])]
    body = json.loads(answer["ResponseTemplates"]["application/json"].replace("$context.requestId", "an-id"))
    assert body["status"] == "error"
    detail = body["detail"]["message"] if kind == "QUOTA_EXCEEDED" else body["detail"]
    assert body["message"] == detail != ""
    assert body["error"] == {"code": entry.code, "request_id": "an-id"}
    headers = answer["ResponseParameters"]
    assert headers["gatewayresponse.header.x-request-id"] == "context.requestId"
    assert headers["gatewayresponse.header.access-control-allow-origin"] == "'*'"
    assert ("gatewayresponse.header.retry-after" in headers) == (entry.code == "rate_limited")
    if kind.startswith("DEFAULT_"):
        assert "StatusCode" not in answer  # it would be every other type's as well
    else:
        assert answer["StatusCode"] == str(entry.status)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("UNAUTHORIZED", 401),
        ("ACCESS_DENIED", 401),
        ("INVALID_API_KEY", 401),
        ("MISSING_AUTHENTICATION_TOKEN", 404),
        ("REQUEST_TOO_LARGE", 413),
        ("THROTTLED", 429),
        ("QUOTA_EXCEEDED", 429),
        ("INTEGRATION_TIMEOUT", 504),
    ],
)
def test_api_gateways_own_statuses_give_way_to_the_contracts(plain: Synthesis, kind: str, status: int) -> None:
    answers = plain.api.properties("AWS::ApiGateway::GatewayResponse")
    assert [each["StatusCode"] for each in answers if each["ResponseType"] == kind] == [str(status)]


def test_there_is_a_usage_plan_for_every_plan(plain: Synthesis) -> None:
    assert len(plain.api.properties("AWS::ApiGateway::UsagePlan")) == len(PLANS)


@BY_PLAN
def test_a_usage_plan_has_its_plans_rate_and_guards_its_quota_from_above(plain: Synthesis, plan: Plan) -> None:
    usage_plan = plain.api.body["Resources"][plain.api.body["Outputs"][f"{plan.name.title()}Plan"]["Value"]["Ref"]]
    properties = usage_plan["Properties"]
    assert properties["Throttle"] == {"RateLimit": plan.calls_per_second, "BurstLimit": plan.burst}
    (stage,) = plain.api.of_type("AWS::ApiGateway::Stage")
    assert properties["ApiStages"][0]["Stage"] == {"Ref": stage}
    if plan.calls_per_month is None:
        assert "Quota" not in properties
    else:
        assert properties["Quota"]["Period"] == "MONTH"
        assert properties["Quota"]["Limit"] > plan.calls_per_month


def test_the_access_log_holds_neither_headers_nor_query_nor_addresses(plain: Synthesis) -> None:
    settings = plain.api.the_one("AWS::ApiGateway::Stage")["AccessLogSetting"]
    variables = re.findall(r"\$context\.[\w.]+", settings["Format"])
    assert json.loads(settings["Format"]).keys() >= {"request_id", "method", "route", "status", "latency_ms"}
    unwanted = ("header", "query", "sourceIp", "userAgent", "apiKey", "principalId", "path")
    assert [each for each in variables if any(each.endswith(word) for word in unwanted)] == []
    assert KEY_HEADER not in settings["Format"]


def test_nothing_is_logged_but_accesses(plain: Synthesis) -> None:
    for setting in stage_settings(plain):
        assert setting.keys() <= {"HttpMethod", "ResourcePath", "ThrottlingRateLimit", "ThrottlingBurstLimit"} | {
            "DataTraceEnabled"
        }
        assert setting.get("DataTraceEnabled") is not True
