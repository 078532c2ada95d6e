"""Stages: CreateStage and its kind.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Stages for HTTP APIs in API Gateway" and "Use
stage variables for HTTP APIs in API Gateway".
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.apis import api_arn, refuse_mapped
from lambent.services.apigatewayv2.deploying import changed, put_on
from lambent.services.apigatewayv2.errors import BadRequest, Conflict, NotFound
from lambent.services.apigatewayv2.model import DEFAULT, Api, Route, Stage, edited, given, merged, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_parts
from lambent.services.apigatewayv2.websocket import WEBSOCKET
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")
VALUE = re.compile(r"[A-Za-z0-9._~:/?#&=,-]{0,512}")
MEMBERS = (
    "AccessLogSettings",
    "AutoDeploy",
    "DefaultRouteSettings",
    "Description",
    "RouteSettings",
    "StageVariables",
)
MERGED = ("StageVariables", "RouteSettings")
NOT_HTTP = ("DataTraceEnabled", "LoggingLevel")
LOG_GROUP = re.compile(r"arn:aws:logs:[a-z0-9-]+:[0-9]{12}:log-group:[^:*]{1,512}(?::\*)?")


class Stages:
    """The resource `stage`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateStage")
    async def create_stage(self, context: RequestContext, request: Request) -> Answer:
        """A new stage; with AutoDeploy it serves the API as it is now."""
        name, now_ms = request["StageName"], self._all.clock.now_ms()
        if name != DEFAULT and not NAME.fullmatch(name):
            raise BadRequest("Stage name only allows a-z, A-Z, 0-9, hyphen and underscore, or $default.")
        dates = {"StageName": name, "CreatedDate": now_ms, "LastUpdatedDate": now_ms}

        def present(tx: Transaction, api: Api) -> Stage:
            if api.protocol_type == WEBSOCKET and name == DEFAULT:
                raise BadRequest("A stage of a WebSocket API has a name; $default is for HTTP APIs.")
            if store.find_part(tx, api.api_id, Stage, name) is not None:
                raise Conflict(f"Stage {name} already exists for this API")
            store.set_tags(tx, stage_arn(context, api.api_id, name), request.get("Tags") or {})
            return msgspec.convert(dates, Stage)

        return await self._put(context, request, present)

    @operation("GetStage")
    async def get_stage(self, context: RequestContext, request: Request) -> Answer:
        """One stage."""

        def work(tx: Transaction) -> Answer:
            api = store.api(tx, context, request["ApiId"])
            return _wire(tx, context, api, store.part(tx, api.api_id, Stage, request["StageName"]))

        return await self._all.read(request["ApiId"], work)

    @operation("GetStages")
    async def get_stages(self, context: RequestContext, request: Request) -> Answer:
        """The stages, by name."""

        def work(tx: Transaction) -> list[Answer]:
            api = store.api(tx, context, request["ApiId"])
            return [_wire(tx, context, api, stage) for stage in store.parts(tx, api.api_id, Stage)]

        found = await self._all.read(request["ApiId"], work)
        return page(request, found, lambda each: str(each["StageName"]), lambda each: each)

    @operation("UpdateStage")
    async def update_stage(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays, also of variables and routes; a DeploymentId is what the stage serves from now on."""
        return await self._put(
            context, request, lambda tx, api: store.part(tx, api.api_id, Stage, request["StageName"])
        )

    @operation("DeleteAccessLogSettings")
    async def delete_access_log_settings(self, context: RequestContext, request: Request) -> None:
        """The stage writes no access log from now on."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            stage = store.part(tx, api.api_id, Stage, request["StageName"])
            store.set_part(tx, api.api_id, msgspec.structs.replace(stage, access_log_settings=None))

        await self._all.changes.make(request["ApiId"], work)

    @operation("DeleteRouteSettings")
    async def delete_route_settings(self, context: RequestContext, request: Request) -> None:
        """The stage's defaults hold for that route from now on."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            stage = store.part(tx, api.api_id, Stage, request["StageName"])
            if request["RouteKey"] not in stage.route_settings:
                raise NotFound(f"There are no settings for route {request['RouteKey']}")
            kept = {key: value for key, value in stage.route_settings.items() if key != request["RouteKey"]}
            store.set_part(tx, api.api_id, msgspec.structs.replace(stage, route_settings=kept))

        await self._all.changes.make(request["ApiId"], work)

    @operation("DeleteStage")
    async def delete_stage(self, context: RequestContext, request: Request) -> None:
        """The stage; its deployment stays."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            refuse_mapped(tx, api.api_id, request["StageName"])
            store.delete_part(tx, api.api_id, Stage, request["StageName"])
            store.delete_tags(tx, stage_arn(context, api.api_id, request["StageName"]))

        await self._all.changes.make(request["ApiId"], work)

    async def _put(self, context: RequestContext, request: Request, present: Any) -> Answer:
        _check(context, request)

        def work(tx: Transaction) -> Answer:
            api = store.api(tx, context, request["ApiId"])
            before: Stage = present(tx, api)
            now_ms = self._all.clock.now_ms()
            members = merged(before, given(request, MEMBERS), MERGED)
            stage = edited(before, {**members, "LastUpdatedDate": now_ms})
            _check_route_settings(tx, api, request)
            store.set_part(tx, api.api_id, stage)
            check_parts(tx, api.api_id, self._all.quotas)
            if request.get("DeploymentId"):
                if stage.auto_deploy:
                    raise BadRequest("Deployment ID cannot be specified for a stage with AutoDeploy.")
                put_on(tx, api, stage, request["DeploymentId"], self._all)
            elif stage.auto_deploy and not before.auto_deploy:
                changed(tx, api, self._all)
            return _wire(tx, context, api, store.part(tx, api.api_id, Stage, stage.stage_name))

        return await self._all.changes.make(request["ApiId"], work)


def stage_arn(context: RequestContext, api_id: str, stage: str) -> str:
    """What tags call a stage."""
    return f"{api_arn(context, api_id)}/stages/{stage}"


def _wire(tx: Transaction, context: RequestContext, api: Api, stage: Stage) -> Answer:
    tags = store.tags(tx, stage_arn(context, api.api_id, stage.stage_name))
    return {**shown(stage), "Tags": tags}


def _check(context: RequestContext, request: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    if request.get("ClientCertificateId"):
        refuse("ClientCertificateId", "for HTTP APIs")
    for settings in [request.get("DefaultRouteSettings") or {}, *(request.get("RouteSettings") or {}).values()]:
        _check_settings(settings)
    logged = request.get("AccessLogSettings")
    if logged is not None:
        _check_access_log(context, logged)
    for name, value in (request.get("StageVariables") or {}).items():
        if not VARIABLE.fullmatch(name) or not VALUE.fullmatch(value):
            raise BadRequest(
                f"Stage variable {name!r} is not legal: names take A-Za-z0-9_, values A-Za-z0-9-._~:/?#&=,"
            )


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name in NOT_HTTP:
        if settings.get(name) and settings[name] != "OFF":
            refuse(name, "for HTTP APIs")
    if settings.get("ThrottlingBurstLimit", 0) < 0 or settings.get("ThrottlingRateLimit", 0.0) < 0:
        raise BadRequest("Throttling limits are not below 0.")


def _check_route_settings(tx: Transaction, api: Api, request: Mapping[str, Any]) -> None:
    wanted = request.get("RouteSettings") or {}
    for settings in [request.get("DefaultRouteSettings") or {}, *wanted.values()]:
        if api.protocol_type == WEBSOCKET and settings.get("DetailedMetricsEnabled"):
            refuse("DetailedMetricsEnabled of a WebSocket API", "by this version of Lambent")
    keys = {route.route_key for route in store.parts(tx, api.api_id, Route)}
    for key in wanted:
        if key not in keys:
            raise NotFound(f"Unable to find Route by key {key} within the provided RouteSettings")


def _check_access_log(context: RequestContext, logged: Mapping[str, Any]) -> None:
    arn, text = logged.get("DestinationArn") or "", logged.get("Format") or ""
    if not LOG_GROUP.fullmatch(arn) or arn.split(":")[3:5] != [context.region, context.account]:
        raise BadRequest(
            f"DestinationArn {arn!r} is not the ARN of a log group of this account and Region; Lambent writes access "
            "logs to CloudWatch Logs."
        )
    if "$context.requestId" not in text and "$context.extendedRequestId" not in text:
        raise BadRequest("Access log format must contain either $context.requestId or $context.extendedRequestId.")
