"""Tags of APIs, stages and domain names: TagResource, UntagResource, GetTags.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Tagging your API Gateway resources" (50 tags).
"""

import re

from lambent.services.apigatewayv2 import domain_store, store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.errors import BadRequest, NotFound
from lambent.services.apigatewayv2.model import Stage
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

MOST_TAGS = 50
ARN = re.compile(
    r"arn:aws:apigateway:(?P<region>[a-z0-9-]+)::/"
    r"(?:apis/(?P<api>[a-z0-9]+)(?:/stages/(?P<stage>[^/]+))?|domainnames/(?P<domain>[a-z0-9.-]+))"
)


class Tags:
    """All tags of this service."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("TagResource")
    async def tag_resource(self, context: RequestContext, request: Request) -> Answer:
        """Add tags, or change their values."""

        def work(tx: Transaction) -> None:
            arn = _existing(tx, context, request["ResourceArn"])
            store.set_tags(tx, arn, request.get("Tags") or {})
            if len(store.tags(tx, arn)) > MOST_TAGS:
                raise BadRequest(f"A resource can have no more than {MOST_TAGS} tags.")

        await self._all.database.write(work)
        return {}

    @operation("UntagResource")
    async def untag_resource(self, context: RequestContext, request: Request) -> None:
        """Take tags away; those that are not there do not matter."""

        def work(tx: Transaction) -> None:
            arn = _existing(tx, context, request["ResourceArn"])
            store.delete_tag_keys(tx, arn, request["TagKeys"])

        await self._all.database.write(work)

    @operation("GetTags")
    async def get_tags(self, context: RequestContext, request: Request) -> Answer:
        """The tags of a resource."""

        def work(tx: Transaction) -> Answer:
            return {"Tags": store.tags(tx, _existing(tx, context, request["ResourceArn"]))}

        return await self._all.database.read(work)


def _existing(tx: Transaction, context: RequestContext, arn: str) -> str:
    """The ARN of something of this account and Region that is there. Raises BadRequest, NotFound."""
    found = ARN.fullmatch(arn)
    if found is None:
        raise BadRequest(f"Invalid resource ARN: {arn}")
    if found["region"] != context.region:
        raise NotFound(f"{arn} is not of this Region.")
    if found["domain"] is not None:
        domain_store.domain(tx, context, found["domain"])
        return arn
    api = store.api(tx, context, found["api"])
    if found["stage"] is not None:
        store.part(tx, api.api_id, Stage, found["stage"])
    return arn
