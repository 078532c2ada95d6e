"""PutRule and its kind, and TestEventPattern."""

from collections.abc import Callable
from typing import Any

from msgspec import DecodeError, json, structs

from lambent.errors import ValidationError
from lambent.patterns.api import InvalidPattern, Pattern, event_pattern
from lambent.services.events import store
from lambent.services.events.api import Roles
from lambent.services.events.errors import InvalidEventPattern, LimitExceeded, not_valid
from lambent.services.events.model import DEFAULT, BusKey, Rule
from lambent.services.events.names import own_bus_key
from lambent.services.events.resource import Resource, check_role, tags_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.pages import page
from lambent.store.api import Transaction

FACTS = ("id", "detail-type", "source", "account", "time", "region", "resources")  # what TestEventPattern asks for


class Rules(Resource):
    """Rules of a bus."""

    timetable: Callable[[Rule, int], Rule]
    """Sets a scheduled rule's next time (scheduled.py); raises ValidationError for a wrong expression."""
    wake: Callable[[], None]
    """Told when a next time has changed."""
    roles: Roles
    most: int

    @operation("PutRule")
    async def put_rule(self, ctx: RequestContext, request: Request) -> Answer:
        """Make a rule, or replace it: what is not given is gone."""
        key, now_ms = own_bus_key(ctx, request.get("EventBusName")), self.clock.now_ms()
        wanted = self.timetable(_rule(key, request), now_ms)
        await check_role(self.roles, wanted.role_arn, key.account)

        def work(tx: Transaction) -> None:
            store.bus(tx, key)
            present = store.find_rule(tx, key, wanted.name)
            if present is None:
                if len(store.rules(tx, key)) >= self.most:
                    raise LimitExceeded("The requested resource exceeds the maximum number allowed.")
                store.set_tags(tx, wanted.arn, tags_of(request))
            same = present is not None and (present.schedule, present.state) == (wanted.schedule, wanted.state)
            if present is not None and same:
                store.set_rule(tx, structs.replace(wanted, anchor_ms=present.anchor_ms, next_ms=present.next_ms))
            else:
                store.set_rule(tx, wanted)

        await self.write(key, work)
        self.wake()
        return {"RuleArn": wanted.arn}

    @operation("DescribeRule")
    async def describe_rule(self, ctx: RequestContext, request: Request) -> Answer:
        """One rule."""
        key = own_bus_key(ctx, request.get("EventBusName"))
        rule = await self.database.read(lambda tx: store.rule(tx, key, request["Name"]))
        return _description(rule) | {"CreatedBy": key.account}

    @operation("ListRules")
    async def list_rules(self, ctx: RequestContext, request: Request) -> Answer:
        """The rules of a bus, by name."""
        key, prefix = own_bus_key(ctx, request.get("EventBusName")), request.get("NamePrefix", "")

        def work(tx: Transaction) -> list[Rule]:
            store.bus(tx, key)
            return [rule for rule in store.rules(tx, key) if rule.name.startswith(prefix)]

        return page(request, "Rules", await self.database.read(work), lambda rule: rule.name, _description)

    @operation("DeleteRule")
    async def delete_rule(self, ctx: RequestContext, request: Request) -> None:
        """Remove a rule without targets; one that is not there does not matter."""
        key = own_bus_key(ctx, request.get("EventBusName"))

        def work(tx: Transaction) -> None:
            store.bus(tx, key)
            rule = store.find_rule(tx, key, request["Name"])
            if rule is None:
                return
            if store.targets(tx, rule):
                raise ValidationError("Rule can't be deleted since it has targets.")
            store.delete_rule(tx, rule)

        await self.write(key, work)

    @operation("EnableRule")
    async def enable_rule(self, ctx: RequestContext, request: Request) -> None:
        """Let the rule act again; a rate counts from now."""
        await self._set_state(ctx, request, "ENABLED")

    @operation("DisableRule")
    async def disable_rule(self, ctx: RequestContext, request: Request) -> None:
        """Let the rule rest."""
        await self._set_state(ctx, request, "DISABLED")

    @operation("TestEventPattern")
    async def test_event_pattern(self, ctx: RequestContext, request: Request) -> Answer:
        """Whether a pattern wants an event."""
        pattern = checked_pattern(request["EventPattern"])
        try:
            event = json.decode(request["Event"])
        except (DecodeError, RecursionError):
            raise not_valid("Event") from None
        missing = next((name for name in FACTS if name not in event), None) if isinstance(event, dict) else "an object"
        if missing:
            raise not_valid("Event", f"{missing} is a required argument.")
        return {"Result": pattern.matches(event)}

    async def _set_state(self, ctx: RequestContext, request: Request, state: str) -> None:
        key, now_ms = own_bus_key(ctx, request.get("EventBusName")), self.clock.now_ms()

        def work(tx: Transaction) -> None:
            rule = store.rule(tx, key, request["Name"])
            if rule.state != state:
                store.set_rule(tx, self.timetable(structs.replace(rule, state=state), now_ms))

        await self.write(key, work)
        self.wake()


def checked_pattern(text: str) -> Pattern:
    """The compiled pattern. Raises InvalidEventPattern."""
    try:
        return event_pattern(text)
    except InvalidPattern as error:
        raise InvalidEventPattern(f"Event pattern is not valid. Reason: {error.with_place()}") from None


def _rule(key: BusKey, request: Request) -> Rule:
    pattern, schedule = request.get("EventPattern", ""), request.get("ScheduleExpression", "")
    if not pattern and not schedule:
        raise ValidationError("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if schedule and key.name != DEFAULT:
        raise ValidationError("ScheduleExpression is supported only on the default event bus.")
    state = request.get("State", "ENABLED")
    if state not in ("ENABLED", "DISABLED"):
        raise ValidationError("Lambent has no events of CloudTrail; the State is ENABLED or DISABLED.")
    if pattern:
        checked_pattern(pattern)
    return Rule(
        key,
        request["Name"],
        pattern,
        schedule,
        state,
        request.get("Description", ""),
        request.get("RoleArn", ""),
    )


def _description(rule: Rule) -> dict[str, Any]:
    facts = {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "EventBusName": rule.key.name,
    }
    return {name: value for name, value in facts.items() if value}
