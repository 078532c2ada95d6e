"""From the records of an HTTP API to an OpenAPI document, which imports as the same API. Pure.

Source: API Gateway Developer Guide, "Working with OpenAPI definitions for HTTP APIs" (export); the form of what the
service exports: OpenAPI 3.0.1, a server with basePath, a `default` response for each operation.
"""

import re
from typing import Any

import msgspec
import yaml

from lambent.openapi.operations import ANY_METHOD
from lambent.services.apigatewayv2.importing import (
    AUTHORIZER,
    AUTHORIZER_MEMBERS,
    AUTHTYPE,
    CORS_MEMBERS,
    EXTENSION,
    INTEGRATION,
    INTEGRATION_MEMBERS,
)
from lambent.services.apigatewayv2.model import DEFAULT, Api, Authorizer, Deployed, Integration, Route

PARAMETER = re.compile(r"\{([^}+]+)\+?\}")
SIGNED = "sigv4"
Told = dict[str, Any]


def document_of(api: Api, content: Deployed, endpoint: str, stage: str, *, extensions: bool) -> Told:
    """The document, as plain values."""
    authorizers = {each.authorizer_id: each for each in content.authorizers}
    integrations = {each.integration_id: each for each in content.integrations}
    document: Told = {"openapi": "3.0.1", "info": _info(api)}
    base = "" if stage == DEFAULT else stage
    server: Told = {"url": endpoint + ("/{basePath}" if base else "")}
    if base:
        server["variables"] = {"basePath": {"default": base}}
    document["servers"] = [server]
    paths: dict[str, Told] = {}
    for route in sorted(content.routes, key=lambda each: each.route_key):
        method, _, path = route.route_key.partition(" ")
        told = _operation(route, path, authorizers)
        if extensions:
            integration = integrations.get((route.target or "").removeprefix("integrations/"))
            if integration is not None:
                told[INTEGRATION] = _integration(integration)
            if route.route_key == DEFAULT:
                told["isDefaultRoute"] = True
        name = ANY_METHOD if method in ("ANY", DEFAULT) else method.lower()
        paths.setdefault(path or f"/{DEFAULT}", {})[name] = told
    document["paths"] = paths
    if extensions:
        document |= _extensions(api, content)
    return document


def written(document: Told, output_type: str) -> bytes:
    """The document as text."""
    if output_type == "YAML":
        text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        return text.encode()
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _info(api: Api) -> Told:
    info = {"title": api.name, "version": api.version or "1.0"}
    return info if api.description is None else {**info, "description": api.description}


def _operation(route: Route, path: str, authorizers: dict[str, Authorizer]) -> Told:
    told: Told = {"responses": {"default": {"description": f"Default response for {route.route_key}"}}}
    names = PARAMETER.findall(path)
    if names:
        told["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if route.operation_name is not None:
        told["operationId"] = route.operation_name
    if route.authorization_type == "AWS_IAM":
        told["security"] = [{SIGNED: []}]
    elif route.authorizer_id in authorizers:
        told["security"] = [{authorizers[route.authorizer_id].name: list(route.authorization_scopes or ())}]
    return told


def _extensions(api: Api, content: Deployed) -> Told:
    told: Told = {}
    schemes = {each.name: _scheme(each) for each in content.authorizers}
    if any(route.authorization_type == "AWS_IAM" for route in content.routes):
        schemes[SIGNED] = {"type": "apiKey", "name": "Authorization", "in": "header", AUTHTYPE: "awsSigv4"}
    if schemes:
        told["components"] = {"securitySchemes": schemes}
    if content.cors is not None:
        told[f"{EXTENSION}cors"] = _back(msgspec.to_builtins(content.cors), CORS_MEMBERS)
    if api.disable_execute_api_endpoint:
        told[f"{EXTENSION}endpoint-configuration"] = {"disableExecuteApiEndpoint": True}
    return told | {f"{EXTENSION}importexport-version": "1.0"}


def _integration(integration: Integration) -> Told:
    members = msgspec.to_builtins(integration)
    told = {**_back(members, INTEGRATION_MEMBERS), "type": integration.integration_type.lower()}
    if integration.tls_config is not None:
        told["tlsConfig"] = {"serverNameToVerify": integration.tls_config.server_name_to_verify}
    return told


def _scheme(authorizer: Authorizer) -> Told:
    told = {
        "type": authorizer.authorizer_type.lower(),
        "identitySource": ",".join(authorizer.identity_source),
        **_back(msgspec.to_builtins(authorizer), AUTHORIZER_MEMBERS),
    }
    if authorizer.jwt_configuration is not None:
        jwt = authorizer.jwt_configuration
        told["jwtConfiguration"] = {"issuer": jwt.issuer, "audience": list(jwt.audience)}
        return {"type": "oauth2", "flows": {}, AUTHORIZER: told}
    return {"type": "apiKey", "name": "Authorization", "in": "header", AUTHORIZER: told}


def _back(members: Told, names: dict[str, str]) -> Told:
    """Members of a record under the names of the extension, without what was not said."""
    return {short: members[name] for short, name in names.items() if members.get(name) is not None}
