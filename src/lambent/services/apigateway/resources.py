"""The tree of an API's paths: CreateResource and its kind."""

import re

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, LimitExceeded, NotFound
from lambent.services.apigateway.shelf import Shelf, page
from lambent.services.operation import Answer, Request, RequestContext, operation

PART = re.compile(r"[a-zA-Z0-9._:~-]+|\{[a-zA-Z0-9._:-]+\+?\}")
RULES = (patch.scalar("/pathPart", removable=False), patch.scalar("/parentId", removable=False))


class Resources:
    """CreateResource, GetResource, GetResources, UpdateResource, DeleteResource."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateResource")
    async def create_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """A path below another."""
        return await self._shelf.change(
            ctx, request, lambda document: _shown(add(self._shelf, document, request["parentId"], request["pathPart"]))
        )

    @operation("GetResource")
    async def get_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""
        embed = "methods" in (request.get("embed") or ())
        return await self._shelf.look(
            ctx, request, lambda document: _shown(resource(document, request["resourceId"]), embed=embed)
        )

    @operation("GetResources")
    async def get_resources(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""
        embed = "methods" in (request.get("embed") or ())
        found = await self._shelf.look(ctx, request, lambda document: list(document.resources.values()))
        return page(request, found, lambda each: each["id"], lambda each: _shown(each, embed=embed))

    @operation("UpdateResource")
    async def update_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """Another name, or another parent."""

        def work(document: RestDocument) -> Answer:
            before = resource(document, request["resourceId"])
            if "parentId" not in before:
                raise BadRequest("Root resource cannot be updated")
            new = patch.patched(before, request.get("patchOperations", []), RULES)
            if new["parentId"] in {each["id"] for each in subtree(document, before)}:
                raise BadRequest("A resource cannot be moved below itself.")
            document.resources[new["id"]] = new
            _check(document, new)
            _name_paths(document)
            return _shown(document.resources[new["id"]])

        return await self._shelf.change(ctx, request, work)

    @operation("DeleteResource")
    async def delete_resource(self, ctx: RequestContext, request: Request) -> None:
        """Remove it with what is below it."""

        def work(document: RestDocument) -> None:
            gone = resource(document, request["resourceId"])
            if "parentId" not in gone:
                raise BadRequest("Root resource cannot be deleted")
            for each in subtree(document, gone):
                del document.resources[each["id"]]

        await self._shelf.change(ctx, request, work)


def resource(document: RestDocument, resource_id: str) -> Part:
    """Raises NotFound."""
    found = document.resources.get(resource_id)
    if found is None:
        raise NotFound("Invalid Resource identifier specified")
    return found


def add(shelf: Shelf, document: RestDocument, parent_id: str, part: str) -> Part:
    """A new resource below another. Raises BadRequest, Conflict, LimitExceeded and NotFound."""
    resource(document, parent_id)
    if len(document.resources) >= (most := shelf.quotas.rest_resources):
        raise LimitExceeded(f"An API has at most {most} resources.")
    made: Part = {"id": shelf.new_id(), "parentId": parent_id, "pathPart": part}
    document.resources[made["id"]] = made
    _check(document, made)
    _name_paths(document)
    return made


def subtree(document: RestDocument, top: Part) -> list[Part]:
    """A resource and all below it."""
    found = [top]
    for each in found:
        found += [child for child in document.resources.values() if child.get("parentId") == each["id"]]
    return found


def _check(document: RestDocument, made: Part) -> None:
    """Raises BadRequest, Conflict and NotFound."""
    part, parent = made["pathPart"], resource(document, made["parentId"])
    if not PART.fullmatch(part):
        raise BadRequest(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )
    if parent.get("pathPart", "").endswith("+}"):
        raise BadRequest(f"Cannot create a child of a resource with a greedy path variable: {parent['pathPart']}")
    for other in document.resources.values():
        if other["id"] == made["id"] or other.get("parentId") != made["parentId"]:
            continue
        if other["pathPart"] == part:
            raise Conflict(f"Another resource with the same parent already has this name: {part}")
        if _variable(part) and _variable(other["pathPart"]):
            raise BadRequest(
                f"A sibling ({other['pathPart']}) of this resource already has a variable path part -- only one is "
                "allowed"
            )


def _variable(part: str) -> bool:
    return part.startswith("{") and not part.endswith("+}")


def _name_paths(document: RestDocument) -> None:
    """Give every resource its whole path."""
    root = document.resources[document.api["rootResourceId"]]
    for each in subtree(document, root):
        if "parentId" in each:
            each["path"] = document.resources[each["parentId"]]["path"].rstrip("/") + "/" + each["pathPart"]


def _shown(part: Part, *, embed: bool = False) -> Answer:
    """As callers see it: its methods by name only, unless they ask for more."""
    answer = dict(part)
    if not embed and "resourceMethods" in answer:
        answer["resourceMethods"] = {name: {} for name in answer["resourceMethods"]}
    return answer
