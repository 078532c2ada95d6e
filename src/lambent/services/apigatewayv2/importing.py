"""From an OpenAPI document to the records of an HTTP API. Pure.

Operations become routes, x-amazon-apigateway-integration integrations, and security schemes with
x-amazon-apigateway-authorizer authorizers. Extensions that have no meaning for HTTP APIs, and security that names no
authorizer, are warnings: the API is made without them, unless the caller wants to fail on warnings. What an extension
says wrongly is an error.

Source: API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs" and "OpenAPI extensions for API
Gateway".
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from lambent.ids import Ids
from lambent.openapi.document import BadDocument, Document, read, resolved, version_of
from lambent.openapi.operations import Operation, base_path, based, operations
from lambent.services.apigatewayv2.authorizers import ID_LENGTH as AUTHORIZER_ID_LENGTH
from lambent.services.apigatewayv2.authorizers import authorizer_of
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.integrations import ID_LENGTH, integration_of
from lambent.services.apigatewayv2.model import DEFAULT, Authorizer, Cors, Integration, Route
from lambent.services.apigatewayv2.routes import check_route_key

EXTENSION = "x-amazon-apigateway-"
INTEGRATION, AUTHORIZER, AUTHTYPE = f"{EXTENSION}integration", f"{EXTENSION}authorizer", f"{EXTENSION}authtype"
KNOWN = {
    f"{EXTENSION}{name}" for name in ("cors", "importexport-version", "tag-value", "endpoint-configuration", "tags")
}
INTEGRATION_MEMBERS = {
    "type": "IntegrationType",
    "uri": "IntegrationUri",
    "httpMethod": "IntegrationMethod",
    "payloadFormatVersion": "PayloadFormatVersion",
    "timeoutInMillis": "TimeoutInMillis",
    "connectionType": "ConnectionType",
    "connectionId": "ConnectionId",
    "credentials": "CredentialsArn",
    "integrationSubtype": "IntegrationSubtype",
    "requestParameters": "RequestParameters",
    "responseParameters": "ResponseParameters",
    "description": "Description",
}
AUTHORIZER_MEMBERS = {
    "authorizerUri": "AuthorizerUri",
    "authorizerPayloadFormatVersion": "AuthorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds": "AuthorizerResultTtlInSeconds",
    "authorizerCredentials": "AuthorizerCredentialsArn",
    "enableSimpleResponses": "EnableSimpleResponses",
}
LONGEST_NAME = 128
CORS_MEMBERS = {
    "allowCredentials": "AllowCredentials",
    "allowHeaders": "AllowHeaders",
    "allowMethods": "AllowMethods",
    "allowOrigins": "AllowOrigins",
    "exposeHeaders": "ExposeHeaders",
    "maxAge": "MaxAge",
}


class Definition(NamedTuple):
    """What a document says of an API."""

    members: dict[str, Any]
    routes: list[Route]
    integrations: list[Integration]
    authorizers: list[Authorizer]
    tags: dict[str, str]
    warnings: list[str]


def definition_of(text: str, how_based: str, ids: Ids) -> Definition:
    """Raises BadRequest."""
    try:
        document = read(text)
        if not version_of(document).startswith("3."):
            raise BadDocument("an HTTP API is imported from OpenAPI 3")
        return _Import(document, how_based, ids).definition()
    except (BadDocument, msgspec.ValidationError) as error:
        raise BadRequest(f"Unable to import the definition: {error}.") from None


class _Import:
    """One document, and what was found in it so far."""

    def __init__(self, document: Document, how_based: str, ids: Ids) -> None:
        self._document, self._how_based, self._ids = document, how_based, ids
        self._base = base_path(document)
        self._integrations: list[Integration] = []
        self._by_content: dict[bytes, str] = {}
        self._authorizers: dict[str, Authorizer] = {}
        self._signed: set[str] = set()
        self._warnings: list[str] = []

    def definition(self) -> Definition:
        """All of it. Raises BadDocument, BadRequest."""
        document = self._document
        self._read_schemes()
        routes = [self._route(each) for each in operations(document)]
        keys = [route.route_key for route in routes]
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            raise BadDocument(f"it has the route {key} twice")
        self._warnings += [f"Ignoring unsupported extension {name}" for name in _unknown(document)]
        return Definition(
            self._members(), routes, self._integrations, list(self._authorizers.values()), self._tags(), self._warnings
        )

    def _members(self) -> dict[str, Any]:
        info = _object(self._document.get("info") or {}, "info")
        if not isinstance(info.get("title"), str) or not info["title"]:
            raise BadDocument("its info has no title")
        members: dict[str, Any] = {"Name": info["title"][:LONGEST_NAME]}
        for name, member in (("version", "Version"), ("description", "Description")):
            if info.get(name) is not None:
                members[member] = str(info[name])[: 64 if member == "Version" else 1024]
        members |= self._cors()
        endpoint = _object(self._document.get(f"{EXTENSION}endpoint-configuration") or {}, "endpoint-configuration")
        if endpoint.get("disableExecuteApiEndpoint") is True:
            members["DisableExecuteApiEndpoint"] = True
        return members

    def _cors(self) -> dict[str, Any]:
        told = self._document.get(f"{EXTENSION}cors")
        if told is None:
            return {}
        cors = _renamed(_object(told, "x-amazon-apigateway-cors"), CORS_MEMBERS, "cors configuration")
        return {"CorsConfiguration": msgspec.to_builtins(msgspec.convert(cors, Cors))}

    def _tags(self) -> dict[str, str]:
        listed = self._document.get("tags") or []
        if not isinstance(listed, list):
            raise BadDocument("tags is no list")
        values = [(each.get("name"), each.get(f"{EXTENSION}tag-value")) for each in listed if isinstance(each, dict)]
        return {str(name): str(value) for name, value in values if value is not None}

    def _route(self, operation: Operation) -> Route:
        key = self._key(operation)
        check_route_key(key)
        route_id = self._ids.letters(ID_LENGTH).lower()
        kind, authorizer_id, scopes = self._security(operation, key)
        name = operation.told.get("operationId")
        return Route(
            route_id,
            key,
            authorization_type=kind,
            authorization_scopes=scopes,
            authorizer_id=authorizer_id,
            operation_name=str(name)[:64] if name else None,
            target=self._target(operation),
        )

    def _key(self, operation: Operation) -> str:
        if operation.path == f"/{DEFAULT}":
            if operation.method != "ANY":
                raise BadDocument("the path /$default has x-amazon-apigateway-any-method only")
            return DEFAULT
        return f"{operation.method} {based(operation.path, self._base, self._how_based)}"

    def _target(self, operation: Operation) -> str | None:
        told = resolved(self._document, operation.told.get(INTEGRATION))
        if told is None:
            return None
        told = _object(told, f"the integration of {operation.method} {operation.path}")
        content = msgspec.json.encode(told, order="deterministic")
        if content not in self._by_content:  # operations that refer to one integration share it
            made = self._integration(told)
            self._by_content[content] = made.integration_id
            self._integrations.append(made)
        return f"integrations/{self._by_content[content]}"

    def _integration(self, told: Mapping[str, Any]) -> Integration:
        known = {name: value for name, value in told.items() if name not in ("tlsConfig", "type")}
        members = _renamed(known, INTEGRATION_MEMBERS, "integration")
        members["IntegrationType"] = str(told.get("type", "")).upper()
        if "PayloadFormatVersion" in members:  # YAML makes a number of it
            members["PayloadFormatVersion"] = str(members["PayloadFormatVersion"])
        tls = told.get("tlsConfig")
        if tls is not None:
            members["TlsConfig"] = {"ServerNameToVerify": _object(tls, "tlsConfig").get("serverNameToVerify")}
        if not members["IntegrationType"]:
            raise BadDocument("an integration has no type")
        if isinstance(members.get("TimeoutInMillis"), int) and not 50 <= members["TimeoutInMillis"] <= 30_000:
            raise BadDocument("timeoutInMillis is 50 to 30000")
        return integration_of("HTTP", self._ids.letters(ID_LENGTH).lower(), members)

    def _read_schemes(self) -> None:
        components = _object(self._document.get("components") or {}, "components")
        schemes = _object(components.get("securitySchemes") or {}, "securitySchemes")
        for name, scheme in schemes.items():
            told = _object(resolved(self._document, scheme), f"the security scheme {name}")
            if told.get(AUTHTYPE) == "awsSigv4":
                self._signed.add(name)
            elif AUTHORIZER in told:
                wanted = _object(resolved(self._document, told[AUTHORIZER]), f"the authorizer of {name}")
                self._authorizers[name] = self._authorizer(name, wanted)

    def _authorizer(self, name: str, told: Mapping[str, Any]) -> Authorizer:
        sources = told.get("identitySource", "$request.header.Authorization")
        listed = [each.strip() for each in sources.split(",")] if isinstance(sources, str) else sources
        kind = str(told.get("type", "")).upper()
        if kind not in ("JWT", "REQUEST"):
            raise BadDocument(f"the authorizer {name} has the type {told.get('type')!r}; it takes jwt and request")
        members = {"Name": name, "AuthorizerType": kind, "IdentitySource": listed}
        if kind == "JWT":
            jwt = _object(told.get("jwtConfiguration") or {}, f"the jwtConfiguration of {name}")
            members["JwtConfiguration"] = {"Issuer": jwt.get("issuer"), "Audience": jwt.get("audience")}
        own = {key: value for key, value in told.items() if key in AUTHORIZER_MEMBERS}
        members |= _renamed(own, AUTHORIZER_MEMBERS, "authorizer")
        if "AuthorizerPayloadFormatVersion" in members:
            members["AuthorizerPayloadFormatVersion"] = str(members["AuthorizerPayloadFormatVersion"])
        return authorizer_of(self._ids.letters(AUTHORIZER_ID_LENGTH).lower(), members)

    def _security(self, operation: Operation, key: str) -> tuple[str, str | None, tuple[str, ...] | None]:
        """AuthorizationType, authorizer and scopes of a route."""
        listed = operation.told.get("security", self._document.get("security")) or []
        for requirement in listed if isinstance(listed, list) else []:
            for name, scopes in _object(requirement, f"the security of {key}").items():
                if name in self._signed:
                    return "AWS_IAM", None, None
                authorizer = self._authorizers.get(name)
                if authorizer is not None:
                    jwt = authorizer.authorizer_type == "JWT"
                    wanted = (
                        tuple(str(each) for each in scopes) if jwt and isinstance(scopes, list) and scopes else None
                    )
                    return "JWT" if jwt else "CUSTOM", authorizer.authorizer_id, wanted
                self._warnings.append(f"Ignoring security {name} of {key}: it has no {AUTHORIZER}")
        return "NONE", None, None


def _unknown(document: Document) -> Iterator[str]:
    return (name for name in document if name.startswith(EXTENSION) and name not in KNOWN)


def _renamed(told: Mapping[str, Any], names: Mapping[str, str], what: str) -> dict[str, Any]:
    for name in told:
        if name not in names:
            raise BadDocument(f"{name!r} is no part of the {what} of an HTTP API")
    return {names[name]: value for name, value in told.items()}


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadDocument(f"{what} is no object")
    return value
