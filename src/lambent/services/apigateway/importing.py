"""From an OpenAPI document to the parts of a REST API. Pure but for fresh ids.

Both versions of OpenAPI come to the same: paths with methods, schemas as models, security schemes as authorizers, and
what AWS's extensions say. Each part is checked as if it came by its own operation. What has no place in a REST API is
left out with a warning; what is wrong ends the import.

Source: API Gateway Developer Guide, "OpenAPI extensions for API Gateway" and "Develop REST APIs using OpenAPI".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.errors import ServiceError
from lambent.mapping.gateway_responses import DEFAULTS, default_part
from lambent.model.rest_api import Part, RestDocument
from lambent.openapi.document import BadDocument, resolved
from lambent.openapi.operations import base_path, based
from lambent.services.apigateway import apis, resources
from lambent.services.apigateway.authorizers import check_authorizer
from lambent.services.apigateway.errors import BadRequest, not_built
from lambent.services.apigateway.gateway_responses import check_gateway_response
from lambent.services.apigateway.import_methods import AMAZON, VERBS, MethodImport
from lambent.services.apigateway.import_models import ModelImport
from lambent.services.apigateway.policies import normalized
from lambent.services.apigateway.shelf import Shelf

USUAL_TTL_S = 300
MODES = ("ignore", "prepend", "split")


def import_into(
    document: RestDocument, source: dict[str, Any], shelf: Shelf, options: Mapping[str, str], longest_ms: int
) -> list[str]:
    """Put what `source` says into `document`; warnings. Raises BadRequest and NotImplementedByLambent."""
    try:
        job = Import(document, source, shelf, longest_ms)
        job.run(options)
    except BadDocument as error:
        raise BadRequest(f"Errors found during import:\n\t{error}") from None
    except (AttributeError, TypeError, KeyError, ValueError) as error:  # an object where a list has to be, and so on
        raise BadRequest(f"Errors found during import:\n\tInvalid OpenAPI input: {error}") from None
    return job.warnings


class Import:
    """One import."""

    def __init__(self, document: RestDocument, source: dict[str, Any], shelf: Shelf, longest_ms: int) -> None:
        self._document, self._source, self._shelf = document, source, shelf
        self.warnings: list[str] = []
        self._is_2 = str(source.get("swagger", "")).startswith("2")
        if not self._is_2 and not str(source.get("openapi", "")).startswith("3"):
            raise BadRequest("Invalid OpenAPI input: it has swagger 2.0, or openapi 3")
        self._models = ModelImport(document, source, shelf.new_id, self.warnings, is_2=self._is_2)
        self._methods = MethodImport(document, source, self._models, longest_ms, is_2=self._is_2)

    def run(self, options: Mapping[str, str]) -> None:
        """All of it."""
        self._settings(options)
        self._models.run()
        self._validators()
        self._authorizers()
        self._gateway_responses()
        how = options.get("basepath", "ignore")
        if how not in MODES:
            raise BadRequest(f"basepath takes {', '.join(MODES)}")
        for path, item in self._source.get("paths", {}).items():
            if path.startswith("x-"):
                continue
            self._path(based(path, base_path(self._source), how), resolved(self._source, item))

    def _settings(self, options: Mapping[str, str]) -> None:
        source, api = self._source, self._document.api
        info = source.get("info") or {}
        api["name"] = str(info.get("title") or api.get("name") or "")
        for member, value in (("description", info.get("description")), ("version", info.get("version"))):
            if value is not None:
                api[member] = str(value)
        if AMAZON + "minimum-compression-size" in source:
            raise not_built("Compression (x-amazon-apigateway-minimum-compression-size)")
        if AMAZON + "binary-media-types" in source:
            api["binaryMediaTypes"] = list(source[AMAZON + "binary-media-types"])
        if AMAZON + "api-key-source" in source:
            api["apiKeySource"] = str(source[AMAZON + "api-key-source"]).upper()
        if AMAZON + "policy" in source:
            api["policy"] = normalized(msgspec.json.encode(source[AMAZON + "policy"]).decode())
        endpoint = source.get(AMAZON + "endpoint-configuration")
        if endpoint:
            if endpoint.get("vpcEndpointIds"):
                raise not_built("Private APIs (vpcEndpointIds)")
            api["disableExecuteApiEndpoint"] = bool(endpoint.get("disableExecuteApiEndpoint"))
        if options.get("endpointConfigurationTypes"):
            wanted = {"types": options["endpointConfigurationTypes"].split(",")}
            api["endpointConfiguration"] = apis.endpoint_configuration(wanted)
        if AMAZON + "documentation" in source and options.get("ignore") != "documentation":
            self.warnings.append("Documentation parts are not implemented and were left out.")
        apis.check(api)

    def _validators(self) -> None:
        for name, wanted in (self._source.get(AMAZON + "request-validators") or {}).items():
            known = [each for each in self._document.validators.values() if each.get("name") == name]
            made = known[0] if known else {"id": self._shelf.new_id(), "name": name}
            made["validateRequestBody"] = bool(wanted.get("validateRequestBody"))
            made["validateRequestParameters"] = bool(wanted.get("validateRequestParameters"))
            self._document.validators[made["id"]] = made

    def _authorizers(self) -> None:
        for name, scheme in security_schemes(self._source, is_2=self._is_2).items():
            told = scheme.get(AMAZON + "authorizer")
            if told is None:
                continue
            kind = str(told.get("type", "")).upper()
            known = [each for each in self._document.authorizers.values() if each["name"] == name]
            made: Part = {"id": known[0]["id"] if known else self._shelf.new_id(), "name": name, "type": kind}
            made |= {"authType": scheme.get(AMAZON + "authtype", "custom")}
            for member in ("authorizerUri", "authorizerCredentials", "identitySource", "identityValidationExpression"):
                if told.get(member):
                    made[member] = str(told[member])
            if kind == "TOKEN":
                made.setdefault("identitySource", f"method.request.header.{scheme.get('name', 'Authorization')}")
            made["authorizerResultTtlInSeconds"] = int(told.get("authorizerResultTtlInSeconds", USUAL_TTL_S))
            check_authorizer(self._document, made, self._shelf.quotas.rest_authorizers)
            self._document.authorizers[made["id"]] = made

    def _gateway_responses(self) -> None:
        for kind, told in (self._source.get(AMAZON + "gateway-responses") or {}).items():
            if kind not in DEFAULTS:
                raise BadRequest(f"Invalid gateway response type {kind}")
            made = default_part(kind) | {"defaultResponse": False}
            if told.get("statusCode") is not None:
                made["statusCode"] = str(told["statusCode"])
            for member in ("responseParameters", "responseTemplates"):
                if told.get(member) is not None:
                    made[member] = {str(name): str(value) for name, value in told[member].items()}
            check_gateway_response(made)
            self._document.responses[kind] = made

    def _path(self, path: str, item: Mapping[str, Any]) -> None:
        resource = self._resource(path)
        shared = item.get("parameters") or []
        for verb, operation in item.items():
            method = "ANY" if verb == AMAZON + "any-method" else verb.upper()
            if method not in VERBS:
                continue
            try:
                made = self._methods.made(method, operation, shared)
            except ServiceError as error:
                if error.code != "BadRequestException":
                    raise
                raise BadRequest(f"Errors found during import:\n\tUnable to put method '{method}' on resource at path "
                                 f"'{path}': {error.message}") from None  # fmt: skip
            resource.setdefault("resourceMethods", {})[method] = made

    def _resource(self, path: str) -> Part:
        at = self._document.resources[self._document.api["rootResourceId"]]
        for part in [each for each in path.split("/") if each]:
            below = [
                each
                for each in self._document.resources.values()
                if each.get("parentId") == at["id"] and each["pathPart"] == part
            ]
            try:
                at = below[0] if below else resources.add(self._shelf, self._document, at["id"], part)
            except ServiceError as error:
                raise BadRequest(f"Errors found during import:\n\tUnable to create resource at path '{path}': "
                                 f"{error.message}") from None  # fmt: skip
        return at


def security_schemes(source: dict[str, Any], *, is_2: bool) -> dict[str, Any]:
    """The security schemes of a document, by name."""
    held = source.get("securityDefinitions") if is_2 else (source.get("components") or {}).get("securitySchemes")
    return {name: resolved(source, each) for name, each in (held or {}).items()}
