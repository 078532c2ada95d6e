"""A deployed API as an OpenAPI document, which can be imported again. Pure.

Source: API Gateway Developer Guide, "Export a REST API from API Gateway": `swagger` is OpenAPI 2.0, `oas30` 3.0.1;
extensions `integrations`, `authorizers`, `apigateway` (both and the API's own settings), `documentation` (none here).
"""

from typing import Any

import msgspec

from lambent.mapping.schemas import MODELS
from lambent.model.rest_api import Part, RestDocument

AMAZON = "x-amazon-apigateway-"
VERSIONS = ("swagger", "oas30")
EXTENSIONS = {"integrations", "authorizers", "apigateway", "documentation"}
PLACES = {"path": "path", "querystring": "query", "header": "header"}
API_KEY, SIGNED = "api_key", "sigv4"
MEMBERS = (
    "type", "uri", "httpMethod", "credentials", "requestParameters", "requestTemplates", "passthroughBehavior",
    "contentHandling", "timeoutInMillis", "connectionType", "cacheKeyParameters", "tlsConfig",
)  # fmt: skip
LOWER = ("type", "passthroughBehavior")
Document = dict[str, Any]


def exported(document: RestDocument, kind: str, stage: str, version: str, extensions: set[str]) -> Document:
    """The document of one of the VERSIONS."""
    return Export(document, extensions, is_2=kind == "swagger").whole(stage, version)


class Export:
    """One export."""

    def __init__(self, document: RestDocument, extensions: set[str], *, is_2: bool) -> None:
        self._document, self._is_2 = document, is_2
        self._integrations = bool(extensions & {"integrations", "apigateway"})
        self._authorizers = bool(extensions & {"authorizers", "apigateway"})
        self._settings = "apigateway" in extensions
        self._prefix = "#/definitions/" if is_2 else "#/components/schemas/"

    def whole(self, stage: str, version: str) -> Document:
        """All of it."""
        api = self._document.api
        info = {"title": api["name"], "version": version}
        if api.get("description"):
            info["description"] = api["description"]
        paths = {each["path"]: self._path(each) for each in self._document.resources.values()
                 if each.get("resourceMethods")}  # fmt: skip
        schemas = {name: self._schema(model["schema"]) for name, model in self._document.models.items()}
        if self._is_2:
            parts: Document = {"swagger": "2.0", "info": info, "basePath": f"/{stage}", "schemes": ["https"]}
            parts |= {"paths": paths, "securityDefinitions": self._schemes(), "definitions": schemas}
        else:
            server = {"url": "/{basePath}", "variables": {"basePath": {"default": stage}}}
            parts = {"openapi": "3.0.1", "info": info, "servers": [server], "paths": paths}
            parts["components"] = {"schemas": schemas, "securitySchemes": self._schemes()}
        return parts | (self._own() if self._settings else {})

    def _own(self) -> Document:
        """The API's own settings."""
        document, api = self._document, self._document.api
        own: Document = {AMAZON + "api-key-source": api["apiKeySource"]}
        if api.get("binaryMediaTypes"):
            own[AMAZON + "binary-media-types"] = api["binaryMediaTypes"]
        if api.get("policy"):
            own[AMAZON + "policy"] = msgspec.json.decode(api["policy"])
        if document.validators:
            own[AMAZON + "request-validators"] = {
                each.get("name", each["id"]): {
                    "validateRequestBody": each["validateRequestBody"],
                    "validateRequestParameters": each["validateRequestParameters"],
                }
                for each in document.validators.values()
            }
        if document.responses:
            names = ("statusCode", "responseParameters", "responseTemplates")
            own[AMAZON + "gateway-responses"] = {
                kind: {name: each[name] for name in names if name in each} for kind, each in document.responses.items()
            }
        return own

    def _schemes(self) -> Document:
        methods = [
            each for one in self._document.resources.values() for each in one.get("resourceMethods", {}).values()
        ]
        found: Document = {}
        if any(each.get("apiKeyRequired") for each in methods):
            found[API_KEY] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        if any(each["authorizationType"] == "AWS_IAM" for each in methods):
            found[SIGNED] = {"type": "apiKey", "name": "Authorization", "in": "header", AMAZON + "authtype": "awsSigv4"}
        for each in self._document.authorizers.values() if self._authorizers else ():
            header = each.get("identitySource", "").removeprefix("method.request.header.")
            scheme = {"type": "apiKey", "name": header if each["type"] == "TOKEN" else "Unused", "in": "header"}
            told = {name: value for name, value in each.items() if name not in ("id", "name", "authType")}
            found[each["name"]] = scheme | {
                AMAZON + "authtype": each.get("authType", "custom"),
                AMAZON + "authorizer": told | {"type": each["type"].lower()},
            }
        return found

    def _path(self, resource: Part) -> Document:
        return {
            AMAZON + "any-method" if verb == "ANY" else verb.lower(): self._operation(method)
            for verb, method in resource["resourceMethods"].items()
        }

    def _operation(self, method: Part) -> Document:
        told: Document = {}
        if method.get("operationName"):
            told["operationId"] = method["operationName"]
        parameters = [self._parameter(name, required) for name, required in method.get("requestParameters", {}).items()]
        models: dict[str, str] = method.get("requestModels", {})
        if models and self._is_2:
            told["consumes"] = list(models)
            schema = {"$ref": self._prefix + next(iter(models.values()))}
            parameters.append({"in": "body", "name": "body", "required": True, "schema": schema})
        elif models:
            told["requestBody"] = {"content": self._contents(models), "required": True}
        if parameters:
            told["parameters"] = parameters
        told["responses"] = {status: self._response(each) for status, each in method.get("methodResponses", {}).items()}
        security = self._security(method)
        if security:
            told["security"] = security
        validator = self._document.validators.get(method.get("requestValidatorId", ""))
        if self._settings and validator is not None:
            told[AMAZON + "request-validator"] = validator.get("name", validator["id"])
        if self._integrations and "methodIntegration" in method:
            told[AMAZON + "integration"] = _integration(method["methodIntegration"])
        return told

    def _parameter(self, name: str, required: bool) -> Document:
        _, _, place, last = name.split(".", 3)
        described: Document = {"type": "string"} if self._is_2 else {"schema": {"type": "string"}}
        place = PLACES.get(place.removeprefix("multivalue"), place)
        return {"name": last, "in": place, "required": required or place == "path"} | described

    def _contents(self, models: dict[str, str]) -> Document:
        return {kind: {"schema": {"$ref": self._prefix + name}} for kind, name in models.items()}

    def _response(self, response: Part) -> Document:
        told: Document = {"description": f"{response['statusCode']} response"}
        headers = [name.removeprefix("method.response.header.") for name in response.get("responseParameters", {})]
        text: Document = {"type": "string"} if self._is_2 else {"schema": {"type": "string"}}
        if headers:
            told["headers"] = {name: dict(text) for name in headers}
        models = response.get("responseModels", {})
        if models and self._is_2:
            told["schema"] = {"$ref": self._prefix + next(iter(models.values()))}
        else:
            told |= {"content": self._contents(models)} if models else {}
        return told

    def _security(self, method: Part) -> list[Document]:
        found: list[Document] = []
        authorizer = self._document.authorizers.get(method.get("authorizerId", ""))
        if self._authorizers and authorizer is not None and method["authorizationType"] == "CUSTOM":
            found.append({authorizer["name"]: []})
        if method["authorizationType"] == "AWS_IAM":
            found.append({SIGNED: []})
        if method.get("apiKeyRequired"):
            found.append({API_KEY: []})
        return found

    def _schema(self, text: str) -> Any:
        """A model's schema, with its references within the document."""
        url = f"{MODELS}{self._document.api['id']}/models/"
        return _referring(msgspec.json.decode(text), url, self._prefix)


def _referring(schema: Any, url: str, prefix: str) -> Any:
    if isinstance(schema, list):
        return [_referring(each, url, prefix) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: prefix + value.removeprefix(url).replace("#/", "/")
        if name == "$ref" and isinstance(value, str) and value.startswith(url)
        else _referring(value, url, prefix)
        for name, value in schema.items()
    }


def _integration(integration: Part) -> Document:
    told = {name: integration[name] for name in MEMBERS if integration.get(name)}
    told |= {name: told[name].lower() for name in LOWER if name in told}
    responses = {}
    for each in integration.get("integrationResponses", {}).values():
        kept = {name: value for name, value in each.items() if name != "selectionPattern"}
        responses[each.get("selectionPattern") or "default"] = kept
    return told | ({"responses": responses} if responses else {})
