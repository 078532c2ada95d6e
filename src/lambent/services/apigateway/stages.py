"""Stages: what is served of an API under a name, with its variables, limits and canary."""

import re

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch, store
from lambent.services.apigateway.domain_names import Domains, refuse_mapped
from lambent.services.apigateway.errors import BadRequest, Conflict, LimitExceeded, not_built
from lambent.services.apigateway.shelf import Shelf, given, shown
from lambent.services.apigateway.stage_rules import RULES
from lambent.services.apigateway.store import SQL, Place
from lambent.services.apigateway.tags import check_tags
from lambent.services.apigateway.usage_plans import forget_stages
from lambent.services.operation import Answer, Request, RequestContext, operation

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
LOG_GROUP = re.compile(r"arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:[A-Za-z0-9_/.#-]{1,512}(?::\*)?")
VARIABLE_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
VARIABLE_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]{0,512}")


class Stages:
    """CreateStage, GetStage, GetStages, UpdateStage, DeleteStage, FlushStageAuthorizersCache."""

    def __init__(self, shelf: Shelf, domains: Domains) -> None:
        self._shelf, self._domains = shelf, domains

    @operation("CreateStage")
    async def create_stage(self, ctx: RequestContext, request: Request) -> Answer:
        """A name under which a deployment is served."""
        api_id, now_s = request["restApiId"], self._shelf.now_s()
        refuse_unbuilt(request)

        def work(place: Place) -> Answer:
            place.document(api_id)
            if store.find_stage(place.tx, api_id, request["stageName"]) is not None:
                raise Conflict("Stage already exists")
            check_room(place, api_id, self._shelf.quotas.rest_stages)
            stage = new_stage(request["stageName"], request["deploymentId"], now_s)
            stage |= given(request, "description", "variables", "tags")
            if request.get("canarySettings"):
                stage["canarySettings"] = {"useStageCache": False} | dict(request["canarySettings"])
            check_stage(place, api_id, stage)
            store.set_stage(place.tx, api_id, stage)
            return shown(stage)

        return await self._shelf.serve(ctx, api_id, work)

    @operation("GetStage")
    async def get_stage(self, ctx: RequestContext, request: Request) -> Answer:
        """One of them."""

        def work(place: Place) -> Answer:
            place.document(request["restApiId"])
            return _seen(store.stage(place.tx, request["restApiId"], request["stageName"]))

        return await self._shelf.read(ctx, work)

    @operation("GetStages")
    async def get_stages(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them, or those that serve one deployment."""
        wanted = request.get("deploymentId")

        def work(place: Place) -> Answer:
            place.document(request["restApiId"])
            found = store.stages(place.tx, request["restApiId"])
            return {"item": [_seen(each) for each in found if wanted in (None, each["deploymentId"])]}

        return await self._shelf.read(ctx, work)

    @operation("UpdateStage")
    async def update_stage(self, ctx: RequestContext, request: Request) -> Answer:
        """Change it; the next request meets it."""
        api_id, now_s = request["restApiId"], self._shelf.now_s()

        def work(place: Place) -> Answer:
            place.document(api_id)
            before = store.stage(place.tx, api_id, request["stageName"])
            new = patch.patched(before, request.get("patchOperations", []), RULES)
            new["lastUpdatedDate"] = now_s
            check_stage(place, api_id, new)
            store.set_stage(place.tx, api_id, new)
            return _seen(new)

        return await self._shelf.serve(ctx, api_id, work)

    @operation("DeleteStage")
    async def delete_stage(self, ctx: RequestContext, request: Request) -> None:
        """Serve it no more."""
        api_id = request["restApiId"]

        def work(place: Place) -> None:
            place.document(api_id)
            store.stage(place.tx, api_id, request["stageName"])
            place.tx.run(SQL.delete_stage, api_id=api_id, name=request["stageName"])
            forget_stages(place, api_id, request["stageName"])

        await refuse_mapped(self._domains, api_id, request["stageName"])
        await self._shelf.serve(ctx, api_id, work)

    @operation("FlushStageAuthorizersCache")
    async def flush_stage_authorizers_cache(self, ctx: RequestContext, request: Request) -> None:
        """Believe nothing that authorizers have said so far."""
        api_id, now_ms = request["restApiId"], self._shelf.clock.now_ms()

        def work(place: Place) -> None:
            place.document(api_id)
            stage = store.stage(place.tx, api_id, request["stageName"])
            stage["flushed_ms"] = now_ms
            store.set_stage(place.tx, api_id, stage)

        await self._shelf.serve(ctx, api_id, work)


def new_stage(name: str, deployment_id: str, now_s: int) -> Part:
    """A stage without settings. Raises BadRequest."""
    if not NAME.fullmatch(name):
        raise BadRequest("Stage name only allows a-zA-Z0-9_-")
    return {
        "stageName": name,
        "deploymentId": deployment_id,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "createdDate": now_s,
        "lastUpdatedDate": now_s,
    }


def check_room(place: Place, api_id: str, most: int) -> None:
    """Whether an API may have one more. Raises LimitExceeded."""
    if len(store.stages(place.tx, api_id)) >= most:
        raise LimitExceeded(f"An API has at most {most} stages.")


def refuse_unbuilt(request: Request) -> None:
    """Raises NotImplementedByLambent for settings of stages that would only be stored."""
    if request.get("cacheClusterEnabled") or request.get("cacheClusterSize"):
        raise not_built("Caching of answers (cacheClusterEnabled)")
    if request.get("tracingEnabled"):
        raise not_built("tracingEnabled")
    if request.get("documentationVersion"):
        raise not_built("documentationVersion")


def check_stage(place: Place, api_id: str, stage: Part) -> None:
    """Raises BadRequest and NotFound."""
    store.deployment(place.tx, api_id, stage["deploymentId"])
    canary = stage.get("canarySettings")
    variables = dict(stage.get("variables", {}))
    if canary is not None:
        if not canary.get("deploymentId"):
            canary["deploymentId"] = stage["deploymentId"]
        store.deployment(place.tx, api_id, canary["deploymentId"])
        canary.setdefault("percentTraffic", 0.0)
        if not 0 <= canary["percentTraffic"] <= 100:
            raise BadRequest("percentTraffic takes 0.0 to 100.0")
        if canary.get("useStageCache"):
            raise not_built("Caching of answers (useStageCache)")
        variables |= canary.get("stageVariableOverrides") or {}
    for name, value in variables.items():
        if not VARIABLE_NAME.fullmatch(name) or not VARIABLE_VALUE.fullmatch(value):
            raise BadRequest(f"Invalid stage variable {name}: names have letters, digits and _, and values match "
                             "[A-Za-z0-9-._~:/?#&=,]+")  # fmt: skip
    check_tags(stage.get("tags", {}))
    _check_log(stage)


def _check_log(stage: Part) -> None:
    log = stage.get("accessLogSettings")
    if log is None:
        return
    if not LOG_GROUP.fullmatch(log.get("destinationArn", "")):
        raise BadRequest("Invalid ARN specified in the request. Access logs go to a log group of CloudWatch Logs.")
    if "$context.requestId" not in log.get("format", "") and "$context.extendedRequestId" not in log.get("format", ""):
        raise BadRequest("Access log format must contain $context.requestId or $context.extendedRequestId")
    if "\n" in log["format"].rstrip("\n"):
        raise BadRequest("Access log format must be single line")


def _seen(stage: Part) -> Answer:
    answer = shown(stage)
    answer.pop("flushed_ms", None)
    return answer
