"""When a function's runtime is updated: PutRuntimeManagementConfig, GetRuntimeManagementConfig.

A host has one interpreter for each runtime, and new environments start on the one that is there: that is
`Auto`, which is all that can be kept. `FunctionUpdate` and `Manual` promise that an older one goes on being
used after the host was updated; nobody keeps it, so they are refused by name.

Source: Lambda service model; Lambda Developer Guide, "Understanding how Lambda manages runtime version updates".
"""

from lambent.model.function_name import LATEST, function_arn
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.names import NUMBER, find_version, named
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation

AUTO, MANUAL = "Auto", "Manual"


class RuntimeManagement:
    """Of `$LATEST` and of published versions."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("PutRuntimeManagementConfig")
    async def put_runtime_management_config(self, context: RequestContext, request: Request) -> Answer:
        arn, mode = await self._version_arn(context, request), request["UpdateRuntimeOn"]
        version = request.get("RuntimeVersionArn")
        if mode == MANUAL and not version:
            raise InvalidParameter("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
        if mode != MANUAL and version:
            raise InvalidParameter(f"RuntimeVersionArn cannot be given when UpdateRuntimeOn is {mode}.")
        if mode != AUTO:
            raise InvalidParameter(
                f"UpdateRuntimeOn {mode} is refused: this host has one version of each runtime, and whoever updates "
                "the host updates it for all functions, which is Auto."
            )
        return {"UpdateRuntimeOn": AUTO, "FunctionArn": arn}

    @operation("GetRuntimeManagementConfig")
    async def get_runtime_management_config(self, context: RequestContext, request: Request) -> Answer:
        return {"UpdateRuntimeOn": AUTO, "FunctionArn": await self._version_arn(context, request)}

    async def _version_arn(self, context: RequestContext, request: Request) -> str:
        """The version's ARN as the caller named it. Raises NotFound, and InvalidParameter for an alias."""
        key, qualifier = named(context, request)
        if qualifier not in ("", LATEST) and not NUMBER.fullmatch(qualifier):
            raise InvalidParameter("Runtime management is set on $LATEST or on a published version, not on an alias.")
        await self._all.database.read(lambda tx: find_version(tx, key, qualifier))
        return function_arn(key, qualifier)
