"""A deployed API made ready: its paths, and for each method what it checks and does. Pure.

Made once for a stage, when its first request comes. A part that nobody asks for is not read: schemas and mappings are
compiled at their method's first request.
"""

from collections.abc import Mapping
from functools import cached_property

from lambent.gateway.apis.routes import RouteTable
from lambent.mapping import expressions
from lambent.mapping.expressions import Source
from lambent.mapping.schemas import MODELS, Schema
from lambent.model.rest_api import Part, RestDocument

ANY = "ANY"


class MethodPlan:
    """One method of one resource."""

    def __init__(self, document: RestDocument, resource: Part, method: Part) -> None:
        self._document, self._method = document, method
        self.path: str = resource["path"]
        self.resource_id: str = resource["id"]
        self.verb: str = method["httpMethod"]
        self.authorization: str = method["authorizationType"]
        self.key_required: bool = method.get("apiKeyRequired", False)
        self.operation_name: str = method.get("operationName", "")
        self.integration: Part = method["methodIntegration"]
        self.responses: Mapping[str, Part] = method.get("methodResponses", {})

    @property
    def authorizer(self) -> Part | None:
        """The authorizer of a CUSTOM method."""
        return self._document.authorizers.get(self._method.get("authorizerId", ""))

    @property
    def _validator(self) -> Part:
        return self._document.validators.get(self._method.get("requestValidatorId", ""), {})

    @cached_property
    def required(self) -> list[tuple[str, str]]:
        """Place and name of the parameters that a request has to have; none where they are not checked."""
        if not self._validator.get("validateRequestParameters"):
            return []
        wanted = [name for name, required in self._method.get("requestParameters", {}).items() if required]
        found = [expressions.source_of(name, expressions.FROM_REQUEST) for name in wanted]
        return [(each.place, each.name) for each in found if each is not None]

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """What a body has to be, by media type; empty where bodies are not checked."""
        if not self._validator.get("validateRequestBody"):
            return {}
        api_id, models = self._document.api["id"], self._document.models
        others = {f"{MODELS}{api_id}/models/{name}": model["schema"] for name, model in models.items()}
        named = self._method.get("requestModels", {})
        return {kind: Schema(models[name]["schema"], others) for kind, name in named.items() if name in models}

    @cached_property
    def parameters(self) -> list[tuple[str, str, Source]]:
        """Where the integration's parameters come from: place, name, source."""
        found = []
        for target, source in self.integration.get("requestParameters", {}).items():
            place, read = expressions.target_of(target, expressions.TO_INTEGRATION), _source(source)
            if place is not None and read is not None:
                found.append((*place, read))
        return found


class ApiPlan:
    """A deployment as one stage serves it."""

    def __init__(self, document: RestDocument, deployment_id: str, variables: Mapping[str, str]) -> None:
        self.document, self.deployment_id, self.variables = document, deployment_id, variables
        self.binary_types: tuple[str, ...] = tuple(document.api.get("binaryMediaTypes", ()))
        self.policy: str = document.api.get("policy", "")
        self._table = RouteTable(
            (f"{ANY} {each['path']}", self._methods(each))
            for each in document.resources.values()
            if each.get("resourceMethods")
        )

    def _methods(self, resource: Part) -> dict[str, MethodPlan]:
        return {name: MethodPlan(self.document, resource, each) for name, each in resource["resourceMethods"].items()}

    def find(self, method: str, path: str) -> tuple[MethodPlan, dict[str, str]] | None:
        """The method that answers, and the parameters of its path. The resource is chosen first, then its method."""
        match = self._table.match(ANY, path)
        if match is None and len(path) > 1 and path.endswith("/"):
            match = self._table.match(ANY, path.rstrip("/") or "/")
        found = None if match is None else match.route.get(method) or match.route.get(ANY)
        return None if match is None or found is None else (found, match.parameters)


def _source(text: str) -> Source | None:
    return expressions.source_of(text, expressions.FROM_REQUEST)
