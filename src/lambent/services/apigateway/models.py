"""Models and request validators: what bodies look like, and what of a request is checked."""

import re

from lambent.mapping.flattening import flattened
from lambent.mapping.schemas import BadSchema, parsed
from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, NotFound
from lambent.services.apigateway.shelf import Shelf, given, page
from lambent.services.operation import Answer, Request, RequestContext, operation

NAME = re.compile(r"[a-zA-Z0-9]{1,128}")
RULES = (patch.scalar("/description"), patch.scalar("/schema", removable=False))
VALIDATOR_RULES = (
    patch.scalar("/name"),
    patch.scalar("/validateRequestBody", patch.boolean, removable=False),
    patch.scalar("/validateRequestParameters", patch.boolean, removable=False),
)


class Models:
    """CreateModel, GetModel, GetModels, UpdateModel, DeleteModel."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateModel")
    async def create_model(self, ctx: RequestContext, request: Request) -> Answer:
        """A schema under a name."""

        def work(document: RestDocument) -> Answer:
            made = {"id": self._shelf.new_id()} | given(request, "name", "description", "contentType")
            made["schema"] = request.get("schema") or "{}"
            if made["name"] in document.models:
                raise Conflict(f"Model name already exists for this REST API: {made['name']}")
            check_model(made)
            document.models[made["name"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetModel")
    async def get_model(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them; with `flatten`, whole: what it refers to is among its definitions."""

        def work(document: RestDocument) -> Answer:
            found = _model(document, request)
            if not request.get("flatten"):
                return found
            others = {name: parsed(each["schema"]) for name, each in document.models.items()}
            return found | {"schema": flattened(document.api["id"], found["name"], others)}

        return await self._shelf.look(ctx, request, work)

    @operation("GetModels")
    async def get_models(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        found = await self._shelf.look(ctx, request, lambda document: list(document.models.values()))
        return page(request, found, lambda each: each["name"], dict)

    @operation("UpdateModel")
    async def update_model(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(_model(document, request), request.get("patchOperations", []), RULES)
            check_model(new)
            document.models[new["name"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteModel")
    async def delete_model(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, unless a method needs it."""

        def work(document: RestDocument) -> None:
            name = _model(document, request)["name"]
            if any(name in _models_of(each) for one in document.resources.values()
                   for each in one.get("resourceMethods", {}).values()):  # fmt: skip
                raise Conflict(f"Cannot delete model '{name}', is referenced in a method")
            del document.models[name]

        await self._shelf.change(ctx, request, work)


class Validators:
    """CreateRequestValidator, GetRequestValidator and their kind."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateRequestValidator")
    async def create_request_validator(self, ctx: RequestContext, request: Request) -> Answer:
        """What of a request is checked."""

        def work(document: RestDocument) -> Answer:
            made: Part = {"id": self._shelf.new_id()} | given(request, "name")
            made["validateRequestBody"] = bool(request.get("validateRequestBody"))
            made["validateRequestParameters"] = bool(request.get("validateRequestParameters"))
            document.validators[made["id"]] = made
            return made

        return await self._shelf.change(ctx, request, work)

    @operation("GetRequestValidator")
    async def get_request_validator(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        return await self._shelf.look(ctx, request, lambda document: _validator(document, request))

    @operation("GetRequestValidators")
    async def get_request_validators(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        found = await self._shelf.look(ctx, request, lambda document: list(document.validators.values()))
        return page(request, found, lambda each: each["id"], dict)

    @operation("UpdateRequestValidator")
    async def update_request_validator(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it."""

        def work(document: RestDocument) -> Answer:
            new = patch.patched(_validator(document, request), request.get("patchOperations", []), VALIDATOR_RULES)
            document.validators[new["id"]] = new
            return new

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteRequestValidator")
    async def delete_request_validator(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, unless a method needs it."""

        def work(document: RestDocument) -> None:
            gone = _validator(document, request)["id"]
            if any(each.get("requestValidatorId") == gone for one in document.resources.values()
                   for each in one.get("resourceMethods", {}).values()):  # fmt: skip
                raise Conflict(f"Cannot delete validator '{gone}', is referenced in a method")
            del document.validators[gone]

        await self._shelf.change(ctx, request, work)


def check_model(made: Part) -> None:
    """Raises BadRequest."""
    if not NAME.fullmatch(made["name"]):
        raise BadRequest("Model name must be alphanumeric: " + made["name"])
    try:
        parsed(made["schema"])
    except BadSchema as error:
        raise BadRequest(f"Invalid model specified: Validation Result: warnings : [], errors : [{error}]") from None


def _models_of(method: Part) -> set[str]:
    named = set(method.get("requestModels", {}).values())
    for response in method.get("methodResponses", {}).values():
        named |= set(response.get("responseModels", {}).values())
    return named


def _model(document: RestDocument, request: Request) -> Part:
    found = document.models.get(request["modelName"])
    if found is None:
        raise NotFound(f"Invalid model name specified: {request['modelName']}")
    return found


def _validator(document: RestDocument, request: Request) -> Part:
    found = document.validators.get(request["requestValidatorId"])
    if found is None:
        raise NotFound("Invalid Request Validator identifier specified")
    return found
