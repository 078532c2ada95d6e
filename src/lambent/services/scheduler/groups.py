"""Schedule groups and their tags."""

from datetime import UTC, datetime

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.errors import ValidationError
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.pages import page
from lambent.services.scheduler import store
from lambent.services.scheduler.errors import Conflict, NotFound, QuotaExceeded
from lambent.services.scheduler.model import DEFAULT, Group, GroupKey
from lambent.services.scheduler.store import SQL
from lambent.services.scheduler.tokens import once
from lambent.store.api import Database, Transaction

MOST_GROUPS, MOST_TAGS = 500, 50


class Groups:
    """CreateScheduleGroup and its kind; TagResource, UntagResource, ListTagsForResource."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @operation("CreateScheduleGroup")
    async def create_schedule_group(self, ctx: RequestContext, request: Request) -> Answer:
        """A new group."""
        key, now_ms = GroupKey(ctx.account, ctx.region, request["Name"]), self._clock.now_ms()

        def work(tx: Transaction) -> Answer:
            if store.has_group(tx, key):
                raise Conflict(f"Schedule group {key.name} already exists.")
            if len(store.groups(tx, ctx.account, ctx.region)) >= MOST_GROUPS:
                raise QuotaExceeded(f"There can be no more than {MOST_GROUPS} schedule groups.")
            store.add_group(tx, key, now_ms)
            _tag(tx, key.arn, request)
            return {"ScheduleGroupArn": key.arn}

        return await once(self._database, ctx, request, now_ms, work)

    @operation("GetScheduleGroup")
    async def get_schedule_group(self, ctx: RequestContext, request: Request) -> Answer:
        """One group."""
        key = GroupKey(ctx.account, ctx.region, request["Name"])
        return _description(await self._database.read(lambda tx: store.group(tx, key)))

    @operation("ListScheduleGroups")
    async def list_schedule_groups(self, ctx: RequestContext, request: Request) -> Answer:
        """The groups, by name."""
        found = await self._database.read(lambda tx: store.groups(tx, ctx.account, ctx.region))
        wanted = [each for each in found if each.key.name.startswith(request.get("NamePrefix", ""))]
        return page(request, "ScheduleGroups", wanted, lambda each: each.key.name, _description)

    @operation("DeleteScheduleGroup")
    async def delete_schedule_group(self, ctx: RequestContext, request: Request) -> Answer:
        """Remove a group with all its schedules."""
        key, now_ms = GroupKey(ctx.account, ctx.region, request["Name"]), self._clock.now_ms()
        if key.name == DEFAULT:
            raise ValidationError("The default schedule group cannot be deleted.")

        def work(tx: Transaction) -> Answer:
            store.group(tx, key)
            store.delete_group(tx, key)
            return {}

        return await once(self._database, ctx, request, now_ms, work)

    @operation("TagResource")
    async def tag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Add tags to a group, or change their values."""

        def work(tx: Transaction) -> None:
            _tag(tx, _existing(tx, ctx, request["ResourceArn"]), request)

        await self._database.write(work)

    @operation("UntagResource")
    async def untag_resource(self, ctx: RequestContext, request: Request) -> None:
        """Take tags from a group; those that are not there do not matter."""

        def work(tx: Transaction) -> None:
            arn = _existing(tx, ctx, request["ResourceArn"])
            tx.run_many(SQL.delete_tag, [{"arn": arn, "tag_key": key} for key in request["TagKeys"]])

        await self._database.write(work)

    @operation("ListTagsForResource")
    async def list_tags_for_resource(self, ctx: RequestContext, request: Request) -> Answer:
        """The tags of a group."""

        def work(tx: Transaction) -> Answer:
            rows = tx.all(SQL.tags, arn=_existing(tx, ctx, request["ResourceArn"]))
            return {"Tags": [{"Key": row["tag_key"], "Value": row["tag_value"]} for row in rows]}

        return await self._database.read(work)


def _tag(tx: Transaction, arn: str, request: Request) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    if store.set_tags(tx, arn, tags) > MOST_TAGS:
        raise QuotaExceeded(f"A schedule group can have no more than {MOST_TAGS} tags.")


def _existing(tx: Transaction, ctx: RequestContext, arn: str) -> str:
    """The ARN of a group that is there. Raises NotFound and ValidationError."""
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise ValidationError(f"{arn} is not an ARN.") from None
    kind, _, name = parts.resource.partition("/")
    if (parts.service, parts.region, parts.account, kind) != ("scheduler", ctx.region, ctx.account, "schedule-group"):
        raise NotFound(f"{arn} is not the ARN of a schedule group of this account and Region.")
    return store.group(tx, GroupKey(ctx.account, ctx.region, name)).key.arn


def _description(group: Group) -> Answer:
    return {
        "Arn": group.key.arn,
        "Name": group.key.name,
        "State": "ACTIVE",
        "CreationDate": datetime.fromtimestamp(group.created_ms / 1000, UTC),
        "LastModificationDate": datetime.fromtimestamp(group.modified_ms / 1000, UTC),
    }
