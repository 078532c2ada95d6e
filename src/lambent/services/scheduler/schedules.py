"""CreateSchedule, GetSchedule, UpdateSchedule, DeleteSchedule, ListSchedules."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lambent.clock import Clock
from lambent.errors import ValidationError
from lambent.ids import Ids
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.pages import page
from lambent.services.passed_roles import check_passed
from lambent.services.scheduler import store
from lambent.services.scheduler.api import Links
from lambent.services.scheduler.errors import Conflict, NotFound
from lambent.services.scheduler.firing import PRINCIPAL
from lambent.services.scheduler.model import DEFAULT, GroupKey, Plan, Schedule
from lambent.services.scheduler.target_checks import check_target
from lambent.services.scheduler.times import check_start, check_times, first_times
from lambent.services.scheduler.tokens import once
from lambent.store.api import Database, Transaction


class Schedules:
    """Schedules of an account."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links, wake: Callable[[], None]) -> None:
        self._database, self._clock, self._ids = database, clock, ids
        self._links, self._wake = links, wake

    @operation("CreateSchedule")
    async def create_schedule(self, ctx: RequestContext, request: Request) -> Answer:
        """A new schedule."""
        wanted = await self._wanted(ctx, request)

        def work(tx: Transaction) -> Answer:
            store.group(tx, wanted.group)
            check_start(wanted.plan, self._clock.now_ms())
            if store.find_schedule(tx, wanted.group, wanted.name) is not None:
                raise Conflict(f"Schedule {wanted.name} already exists.")
            store.set_schedule(tx, wanted)
            return {"ScheduleArn": wanted.arn}

        return await self._once(ctx, request, work)

    @operation("UpdateSchedule")
    async def update_schedule(self, ctx: RequestContext, request: Request) -> Answer:
        """Replace a schedule: what is not given has its default again."""
        wanted = await self._wanted(ctx, request)

        def work(tx: Transaction) -> Answer:
            store.schedule(tx, wanted.group, wanted.name)
            store.set_schedule(tx, wanted)
            return {"ScheduleArn": wanted.arn}

        return await self._once(ctx, request, work)

    @operation("GetSchedule")
    async def get_schedule(self, ctx: RequestContext, request: Request) -> Answer:
        """One schedule."""
        key = _group(ctx, request)
        return _description(await self._database.read(lambda tx: store.schedule(tx, key, request["Name"])))

    @operation("DeleteSchedule")
    async def delete_schedule(self, ctx: RequestContext, request: Request) -> Answer:
        """Remove a schedule; what it has sent already is delivered."""
        key = _group(ctx, request)

        def work(tx: Transaction) -> Answer:
            store.delete_schedule(tx, store.schedule(tx, key, request["Name"]))
            return {}

        return await self._once(ctx, request, work)

    @operation("ListSchedules")
    async def list_schedules(self, ctx: RequestContext, request: Request) -> Answer:
        """Schedules by group and name, of one group or of all."""
        group, prefix, state = request.get("GroupName"), request.get("NamePrefix", ""), request.get("State")

        def work(tx: Transaction) -> list[Schedule]:
            if group and not store.has_group(tx, _group(ctx, request)):
                raise NotFound(f"Schedule group {group} does not exist.")
            return store.schedules(tx, ctx.account, ctx.region)

        wanted = [
            each
            for each in await self._database.read(work)
            if group in (None, each.group.name) and each.name.startswith(prefix) and state in (None, each.plan.state)
        ]
        return page(request, "Schedules", wanted, lambda each: f"{each.group.name}/{each.name}", _summary)

    async def _wanted(self, ctx: RequestContext, request: Request) -> Schedule:
        """The schedule that a request describes, checked."""
        group, now_ms = _group(ctx, request), self._clock.now_ms()
        plan = plan_of(request)
        for target in (plan.target["Arn"], plan.target.get("DeadLetterConfig", {}).get("Arn")):
            if target and (refusal := self._links.targets.refusal(target)):
                raise ValidationError(refusal)
        check_passed(plan.target["RoleArn"], ctx.account)
        if not await self._links.roles.assumable_by(plan.target["RoleArn"], PRINCIPAL, ctx.account, group.arn):
            raise ValidationError(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            )
        times = first_times(plan, now_ms, self._ids.fraction())
        return Schedule(group, request["Name"], plan, times, now_ms, now_ms)

    async def _once(self, ctx: RequestContext, request: Request, work: Callable[[Transaction], Answer]) -> Answer:
        answer = await once(self._database, ctx, request, self._clock.now_ms(), work)
        self._wake()
        return answer


def plan_of(request: Request) -> Plan:
    """The plan in a request. Raises ValidationError."""
    if request.get("KmsKeyArn"):
        raise ValidationError("Lambent does not encrypt schedules with keys of your own; leave KmsKeyArn out.")
    check_target(request["Target"])
    plan = Plan(
        expression=request["ScheduleExpression"],
        target=request["Target"],
        zone=request.get("ScheduleExpressionTimezone", "UTC"),
        state=request.get("State", "ENABLED"),
        description=request.get("Description", ""),
        start_ms=_ms(request.get("StartDate")),
        end_ms=_ms(request.get("EndDate")),
        window_min=_window_min(request["FlexibleTimeWindow"]),
        delete_after=request.get("ActionAfterCompletion") == "DELETE",
    )
    check_times(plan)
    return plan


def _window_min(window: Request) -> int:
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "OFF":
        if minutes is not None:
            raise ValidationError("MaximumWindowInMinutes is for the Mode FLEXIBLE.")
        return 0
    if minutes is None:
        raise ValidationError("The Mode FLEXIBLE needs MaximumWindowInMinutes.")
    return int(minutes)


def _group(ctx: RequestContext, request: Request) -> GroupKey:
    return GroupKey(ctx.account, ctx.region, request.get("GroupName", DEFAULT))


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _description(schedule: Schedule) -> Answer:
    plan = schedule.plan
    window: dict[str, Any] = {"Mode": "OFF"}
    if plan.window_min:
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": plan.window_min}
    answer: Answer = {
        **_facts(schedule),
        "ScheduleExpression": plan.expression,
        "ScheduleExpressionTimezone": plan.zone,
        "Target": dict(plan.target),
        "FlexibleTimeWindow": window,
        "ActionAfterCompletion": "DELETE" if plan.delete_after else "NONE",
    }
    if plan.description:
        answer["Description"] = plan.description
    if plan.start_ms is not None:
        answer["StartDate"] = _moment(plan.start_ms)
    if plan.end_ms is not None:
        answer["EndDate"] = _moment(plan.end_ms)
    return answer


def _summary(schedule: Schedule) -> Answer:
    return {**_facts(schedule), "Target": {"Arn": schedule.plan.target["Arn"]}}


def _facts(schedule: Schedule) -> Answer:
    return {
        "Arn": schedule.arn,
        "Name": schedule.name,
        "GroupName": schedule.group.name,
        "State": schedule.plan.state,
        "CreationDate": _moment(schedule.created_ms),
        "LastModificationDate": _moment(schedule.modified_ms),
    }
