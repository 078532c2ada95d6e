"""The account's settings for API Gateway: GetAccount, UpdateAccount."""

import re

from lambent.model.rest_api import Part
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest
from lambent.services.apigateway.shelf import Shelf
from lambent.services.apigateway.store import Place
from lambent.services.operation import Answer, Request, RequestContext, operation

KIND = "account"
RULES = (patch.scalar("/cloudwatchRoleArn"),)
ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+")


class Account:
    """The role is shown and not needed: the platform writes logs itself."""

    def __init__(self, shelf: Shelf, rate: float, burst: int) -> None:
        self._shelf, self._throttle = shelf, {"rateLimit": rate, "burstLimit": burst}

    @operation("GetAccount")
    async def get_account(self, ctx: RequestContext, request: Request) -> Answer:
        """The settings."""
        return self._shown(await self._shelf.read(ctx, lambda place: place.part(KIND, KIND) or {}))

    @operation("UpdateAccount")
    async def update_account(self, ctx: RequestContext, request: Request) -> Answer:
        """Another role."""

        def work(place: Place) -> Part:
            new = patch.patched(place.part(KIND, KIND) or {}, request.get("patchOperations", []), RULES)
            if "cloudwatchRoleArn" in new and not ROLE.fullmatch(new["cloudwatchRoleArn"]):
                raise BadRequest("The role ARN does not have required permissions configured, or is no role's ARN.")
            place.set_part(KIND, KIND, new)
            return new

        return self._shown(await self._shelf.write(ctx, work))

    def _shown(self, settings: Part) -> Answer:
        return settings | {"throttleSettings": self._throttle, "features": ["UsagePlans"], "apiKeyVersion": "4"}
