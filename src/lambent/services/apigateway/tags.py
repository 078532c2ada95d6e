"""Tags of APIs, stages, API keys, usage plans and domain names: TagResource, UntagResource, GetTags."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from lambent.model.rest_api import Part
from lambent.services.apigateway import store
from lambent.services.apigateway.domain_names import Domains
from lambent.services.apigateway.errors import BadRequest, NotFound
from lambent.services.apigateway.shelf import Shelf
from lambent.services.apigateway.store import Place
from lambent.services.operation import Answer, Request, RequestContext, operation

MOST, DOMAIN = 50, "::/domainnames/"
ARN = re.compile(r"arn:aws:apigateway:([a-z0-9-]*)::/(restapis|apikeys|usageplans)/([a-zA-Z0-9]+)(?:/stages/([\w-]+))?")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises BadRequest."""
    if len(tags) > MOST:
        raise BadRequest(f"There can be no more than {MOST} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.startswith("aws:"):
            raise BadRequest(f"{key[:140]} is not a valid tag: keys have 1 to 128 characters, values at most 256.")


class Tags:
    """TagResource, UntagResource, GetTags."""

    def __init__(self, shelf: Shelf, domains: Domains) -> None:
        self._shelf, self._domains = shelf, domains

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Add tags, or change their values."""
        if (arn := _of_domain(request)) is not None:
            check_tags(request["tags"])
            await self._domains.ask("TagResource", ctx, {"ResourceArn": arn, "Tags": request["tags"]})
            return

        def tag(part: Part) -> None:
            part["tags"] = {**part.get("tags", {}), **request["tags"]}
            check_tags(part["tags"])

        await self._shelf.write(ctx, lambda place: _on(place, ctx, request["resourceArn"], tag))

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Take tags away."""
        if (arn := _of_domain(request)) is not None:
            await self._domains.ask("UntagResource", ctx, {"ResourceArn": arn, "TagKeys": request["tagKeys"]})
            return

        def untag(part: Part) -> None:
            part["tags"] = {key: value for key, value in part.get("tags", {}).items() if key not in request["tagKeys"]}

        await self._shelf.write(ctx, lambda place: _on(place, ctx, request["resourceArn"], untag))

    @operation("GetTags")
    async def get_tags(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags."""
        if (arn := _of_domain(request)) is not None:
            return {"tags": (await self._domains.ask("GetTags", ctx, {"ResourceArn": arn}))["Tags"]}
        found: dict[str, str] = {}
        await self._shelf.write(
            ctx, lambda place: _on(place, ctx, request["resourceArn"], lambda part: found.update(part.get("tags", {})))
        )
        return {"tags": found}


def _of_domain(request: Request) -> str | None:
    """The ARN that a request names, if it is a domain name's."""
    arn = unquote(request["resourceArn"])
    return arn if DOMAIN in arn else None


def _on(place: Place, ctx: RequestContext, arn: str, change: Callable[[Part], None]) -> None:
    """Change what an ARN names. Raises BadRequest and NotFound."""
    match = ARN.fullmatch(unquote(arn))
    if match is None or match[1] != ctx.region:
        raise BadRequest(f"Invalid ARN specified in the request: {arn}")
    kind, name, stage_name = match[2], match[3], match[4]
    if kind != "restapis":
        part = place.part(kind, name)
        if part is None:
            raise NotFound(f"There is no {arn}.")
        change(part)
        place.set_part(kind, name, part)
        return
    document = place.document(name)
    if stage_name is None:
        change(document.api)
        place.save(document)
        return
    stage = store.stage(place.tx, name, stage_name)
    change(stage)
    store.set_stage(place.tx, name, stage)
