"""Deployments: copies of an API that stages serve. What was deployed does not change any more."""

from lambent.model.rest_api import Part, RestDocument
from lambent.services.apigateway import patch, stages, store
from lambent.services.apigateway.errors import BadRequest
from lambent.services.apigateway.shelf import Shelf, given, page, shown
from lambent.services.apigateway.store import SQL, Place
from lambent.services.operation import Answer, Request, RequestContext, operation

RULES = (patch.scalar("/description"),)


class Deployments:
    """CreateDeployment, GetDeployment, GetDeployments, UpdateDeployment, DeleteDeployment."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @operation("CreateDeployment")
    async def create_deployment(self, ctx: RequestContext, request: Request) -> Answer:
        """A copy of the API as it is, and a stage that serves it, if one is named."""
        api_id, now_s = request["restApiId"], self._shelf.now_s()
        stages.refuse_unbuilt(request)

        def work(place: Place) -> Answer:
            document = place.document(api_id)
            check_deployable(document)
            made: Part = {"id": self._shelf.new_id(), "createdDate": now_s} | given(request, "description")
            store.add_deployment(place.tx, api_id, made, document)
            if request.get("stageName"):
                _serve(place, request, made["id"], now_s, self._shelf.quotas.rest_stages)
            return shown(made) | {"apiSummary": _summary(document)}

        return await self._shelf.serve(ctx, api_id, work)

    @operation("GetDeployment")
    async def get_deployment(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""

        def work(place: Place) -> Answer:
            place.document(request["restApiId"])
            made, document = store.deployment(place.tx, request["restApiId"], request["deploymentId"])
            summary = {"apiSummary": _summary(document)} if "apisummary" in (request.get("embed") or ()) else {}
            return shown(made) | summary

        return await self._shelf.read(ctx, work)

    @operation("GetDeployments")
    async def get_deployments(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them."""

        def work(place: Place) -> list[Part]:
            place.document(request["restApiId"])
            return store.deployments(place.tx, request["restApiId"])

        return page(request, await self._shelf.read(ctx, work), lambda each: each["id"], shown)

    @operation("UpdateDeployment")
    async def update_deployment(self, ctx: RequestContext, request: Request) -> Answer:
        """Say something else about it."""

        def work(place: Place) -> Answer:
            place.document(request["restApiId"])
            made, _ = store.deployment(place.tx, request["restApiId"], request["deploymentId"])
            new = patch.patched(made, request.get("patchOperations", []), RULES)
            store.set_deployment(place.tx, request["restApiId"], new)
            return shown(new)

        return await self._shelf.write(ctx, work)

    @operation("DeleteDeployment")
    async def delete_deployment(self, ctx: RequestContext, request: Request) -> None:
        """Remove it, unless a stage serves it."""
        api_id, gone = request["restApiId"], request["deploymentId"]

        def work(place: Place) -> None:
            place.document(api_id)
            store.deployment(place.tx, api_id, gone)
            for stage in store.stages(place.tx, api_id):
                if gone in (stage["deploymentId"], stage.get("canarySettings", {}).get("deploymentId")):
                    raise BadRequest("Active stages pointing to this deployment must be moved or deleted")
            place.tx.run(SQL.delete_deployment, api_id=api_id, deployment_id=gone)

        await self._shelf.write(ctx, work)


def check_deployable(document: RestDocument) -> None:
    """Raises BadRequest."""
    methods = [each for one in document.resources.values() for each in one.get("resourceMethods", {}).values()]
    if not methods:
        raise BadRequest("The REST API doesn't contain any methods")
    if any("methodIntegration" not in each for each in methods):
        raise BadRequest("No integration defined for method")


def _serve(place: Place, request: Request, deployment_id: str, now_s: int, most: int) -> None:
    """Have the stage that a request names serve a deployment; its canary, if the request is for that. An API may have
    `most` stages."""
    api_id, name = request["restApiId"], request["stageName"]
    stage = store.find_stage(place.tx, api_id, name)
    canary = request.get("canarySettings")
    if stage is None:
        if canary:
            raise BadRequest("Deployment to a canary needs a stage that is there")
        stages.check_room(place, api_id, most)
        stage = stages.new_stage(name, deployment_id, now_s)
    elif canary is None:
        stage["deploymentId"] = deployment_id
    else:
        stage["canarySettings"] = {
            "percentTraffic": canary.get("percentTraffic", 0.0),
            "deploymentId": deployment_id,
            "stageVariableOverrides": canary.get("stageVariableOverrides") or {},
            "useStageCache": False,
        }
    if request.get("stageDescription"):
        stage["description"] = request["stageDescription"]
    if request.get("variables"):
        stage["variables"] = {**stage.get("variables", {}), **request["variables"]}
    stage["lastUpdatedDate"] = now_s
    stages.check_stage(place, api_id, stage)
    store.set_stage(place.tx, api_id, stage)


def _summary(document: RestDocument) -> Answer:
    return {
        each["path"]: {
            name: {"authorizationType": method["authorizationType"], "apiKeyRequired": method["apiKeyRequired"]}
            for name, method in each["resourceMethods"].items()
        }
        for each in document.resources.values()
        if each.get("resourceMethods")
    }
