"""An operation of an OpenAPI document as a method: its parameters, bodies, answers, security and integration. Pure.

Source: API Gateway Developer Guide, "OpenAPI extensions for API Gateway": x-amazon-apigateway-integration (with
`responses` by selection pattern, or `default`), -auth, -authtype, -request-validator.
"""

import re
from collections.abc import Mapping
from typing import Any

from lambent.model.rest_api import Part, RestDocument
from lambent.openapi.document import resolved
from lambent.services.apigateway.errors import BadRequest
from lambent.services.apigateway.import_models import ModelImport
from lambent.services.apigateway.integration_checks import check_integration, check_response
from lambent.services.apigateway.methods import check_method, check_method_response

AMAZON = "x-amazon-apigateway-"
VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY")
PLACES = {"path": "path", "query": "querystring", "header": "header"}
STATUS = re.compile(r"[1-5]\d\d")
TEXTS = ("uri", "httpMethod", "credentials", "connectionType", "connectionId", "cacheNamespace", "responseTransferMode")
USUAL_TIMEOUT_MS = 29_000


class MethodImport:
    """Makes methods."""

    def __init__(
        self, document: RestDocument, source: dict[str, Any], models: ModelImport, longest_ms: int, *, is_2: bool
    ) -> None:
        self._document, self._source, self._models = document, source, models
        self._longest_ms, self._is_2 = longest_ms, is_2
        held = source.get("securityDefinitions") if is_2 else (source.get("components") or {}).get("securitySchemes")
        self._schemes = {name: resolved(source, each) for name, each in (held or {}).items()}

    def made(self, verb: str, operation: Mapping[str, Any], shared: list[Any]) -> Part:
        """The method. Raises BadRequest, BadDocument, NotFound and NotImplementedByLambent."""
        method: Part = {"httpMethod": verb, "apiKeyRequired": False, "authorizationType": "NONE"}
        hint = str(operation.get("operationId") or verb)
        if operation.get("operationId"):
            method["operationName"] = str(operation["operationId"])
        self._parameters(method, [*shared, *(operation.get("parameters") or [])], operation, hint)
        self._security(method, operation)
        self._validator(method, operation)
        check_method(self._document, method)
        self._responses(method, operation, hint)
        if operation.get(AMAZON + "integration") is not None:
            self._integration(method, operation[AMAZON + "integration"])
        return method

    def _parameters(self, method: Part, given: list[Any], operation: Mapping[str, Any], hint: str) -> None:
        wanted: dict[str, bool] = {}
        models: dict[str, str] = {}
        for each in given:
            parameter = resolved(self._source, each)
            if parameter["in"] in PLACES:
                wanted[f"method.request.{PLACES[parameter['in']]}.{parameter['name']}"] = bool(
                    parameter.get("required")
                )
            elif parameter["in"] == "body":
                name = self._models.name_of(parameter.get("schema"), hint)
                kinds = operation.get("consumes") or self._source.get("consumes") or ["application/json"]
                models |= {kind: name for kind in kinds if name}
        body = resolved(self._source, operation.get("requestBody")) or {}
        for kind, content in (body.get("content") or {}).items():
            name = self._models.name_of(content.get("schema"), hint)
            models |= {kind: name} if name else {}
        method |= ({"requestParameters": wanted} if wanted else {}) | ({"requestModels": models} if models else {})

    def _security(self, method: Part, operation: Mapping[str, Any]) -> None:
        wanted = operation.get("security", self._source.get("security")) or []
        for name in [each for requirement in wanted for each in requirement]:
            scheme = self._schemes.get(name, {})
            if AMAZON + "authorizer" in scheme:
                found = [each["id"] for each in self._document.authorizers.values() if each["name"] == name]
                method |= {"authorizationType": "CUSTOM", "authorizerId": found[0]}
            elif str(scheme.get(AMAZON + "authtype", "")).lower() == "awssigv4":
                method["authorizationType"] = "AWS_IAM"
            elif scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key":
                method["apiKeyRequired"] = True
        if str((operation.get(AMAZON + "auth") or {}).get("type", "")).upper() == "AWS_IAM":
            method["authorizationType"] = "AWS_IAM"

    def _validator(self, method: Part, operation: Mapping[str, Any]) -> None:
        name = operation.get(AMAZON + "request-validator", self._source.get(AMAZON + "request-validator"))
        if name is None:
            return
        found = [each["id"] for each in self._document.validators.values() if each.get("name") == name]
        if not found:
            raise BadRequest(f"Invalid request validator specified: {name}")
        method["requestValidatorId"] = found[0]

    def _responses(self, method: Part, operation: Mapping[str, Any], hint: str) -> None:
        for status, each in (operation.get("responses") or {}).items():
            if not STATUS.fullmatch(status):
                continue
            response = resolved(self._source, each)
            headers = response.get("headers") or {}
            made: Part = {"statusCode": status}
            if headers:
                made["responseParameters"] = {f"method.response.header.{name}": False for name in headers}
            contents = response.get("content") or {}
            if self._is_2 and "schema" in response:
                kinds = operation.get("produces") or self._source.get("produces") or ["application/json"]
                contents = {kind: {"schema": response["schema"]} for kind in kinds}
            named = {
                kind: self._models.name_of(content.get("schema"), f"{hint}{status}")
                for kind, content in contents.items()
            }
            models = {kind: name for kind, name in named.items() if name}
            if models:
                made["responseModels"] = models
            check_method_response(self._document, made)
            method.setdefault("methodResponses", {})[status] = made

    def _integration(self, method: Part, told: Mapping[str, Any]) -> None:
        made: Part = {"type": str(told.get("type", "")).upper().replace("-", "_")}
        made |= {name: str(told[name]) for name in TEXTS if told.get(name) is not None}
        if "httpMethod" in made:
            made["httpMethod"] = made["httpMethod"].upper()
        if "contentHandling" in told:
            made["contentHandling"] = str(told["contentHandling"]).upper()
        made["passthroughBehavior"] = str(told.get("passthroughBehavior") or "WHEN_NO_MATCH").upper()
        made["timeoutInMillis"] = int(told.get("timeoutInMillis") or USUAL_TIMEOUT_MS)
        made["cacheKeyParameters"] = list(told.get("cacheKeyParameters") or [])
        for member in ("requestParameters", "requestTemplates"):
            if told.get(member):
                made[member] = {str(name): str(value) for name, value in told[member].items()}
        if told.get("tlsConfig"):
            made["tlsConfig"] = dict(told["tlsConfig"])
        check_integration(made, self._longest_ms)
        method["methodIntegration"] = made
        for pattern, response in (told.get("responses") or {}).items():
            self._integration_response(method, pattern, response)

    def _integration_response(self, method: Part, pattern: str, told: Mapping[str, Any]) -> None:
        made: Part = {"statusCode": str(told.get("statusCode", ""))}
        if pattern != "default":
            made["selectionPattern"] = pattern
        if "contentHandling" in told:
            made["contentHandling"] = str(told["contentHandling"]).upper()
        for member in ("responseParameters", "responseTemplates"):
            if told.get(member):
                made[member] = {str(name): str(value) for name, value in told[member].items()}
        check_response(method, made)
        method["methodIntegration"].setdefault("integrationResponses", {})[made["statusCode"]] = made
