"""PutEvents: from entries to deliveries.

Sources: the service model's documentation of PutEvents; the error codes of single entries as the service
gives them, collected from error reports in public repositories. An event for a bus that does not exist
gets an id and goes nowhere, as on AWS; the platform's log says so.
"""

from datetime import UTC, datetime
from typing import Any

import structlog
from msgspec import DecodeError, Raw, Struct, json

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.delivery.api import Delivery
from lambent.errors import AccessDenied, ValidationError
from lambent.ids import Ids
from lambent.services.events.api import Outbox
from lambent.services.events.errors import no_bus
from lambent.services.events.model import Bus, BusKey, Event
from lambent.services.events.names import bus_key, bus_named
from lambent.services.events.permissions import may_put
from lambent.services.events.routing import Router
from lambent.services.operation import Answer, Request, RequestContext, operation

TIME_BYTES = 14
LONGEST_DETAIL_TYPE = 128
log = structlog.get_logger()


class Refused(Struct, frozen=True):
    """Why one entry is not taken."""

    code: str
    message: str


class Intake:
    """Takes events in: from PutEvents, from other buses, from schedules."""

    def __init__(self, clock: Clock, ids: Ids, router: Router, outbox: Outbox, largest_bytes: int) -> None:
        self._clock, self._ids = clock, ids
        self._router, self._outbox, self._largest_bytes = router, outbox, largest_bytes

    @operation("PutEvents")
    async def put_events(self, ctx: RequestContext, request: Request) -> Answer:
        """Take up to ten events; the answer names those that were not taken."""
        entries = request["Entries"]
        if request.get("EndpointId"):
            raise ValidationError("Lambent has no global endpoints; leave EndpointId out.")
        if sum(map(entry_bytes, entries)) >= self._largest_bytes:
            raise ValidationError("Total size of the entries in the request is over the limit.")
        answers: list[dict[str, str]] = []
        deliveries: list[Delivery] = []
        for entry in entries:
            taken = await self._take(ctx, entry)
            if isinstance(taken, Refused):
                answers.append({"ErrorCode": taken.code, "ErrorMessage": taken.message})
            else:
                event_id, made = taken
                answers.append({"EventId": event_id})
                deliveries += made
        await self._outbox.put(deliveries)
        return {"FailedEntryCount": sum("ErrorCode" in each for each in answers), "Entries": answers}

    async def accept(self, key: BusKey, event: Event, sender_account: str) -> None:
        """Take an event that something else than PutEvents sends. Raises NotFound; and AccessDenied when the
        bus does not let that account send."""
        view = await self._router.view(key)
        if view.bus is None:
            raise no_bus(key.name)
        if sender_account != key.account and not may_put(view.bus, sender_account):
            raise AccessDenied(f"The policy of {key.arn} does not let account {sender_account} send to it.")
        await self._outbox.put(view.deliveries(event))

    async def publish(self, key: BusKey, entry: Request, account: str) -> None:
        """PutEvents of one entry, for a schedule. Raises ValidationError when it is not taken, and as `accept`."""
        refused = refusal(entry)
        if refused is not None:
            raise ValidationError(refused.message)
        event = make_event(entry, self._ids.uuid(), account, key.region, self._clock.now_ms())
        await self.accept(key, event, account)

    async def is_there(self, bus_arn: str) -> bool:
        """Whether there is such a bus."""
        parts = parse_arn(bus_arn)
        return (await self._router.view(bus_named(parts.account, parts.region, bus_arn))).bus is not None

    async def _take(self, ctx: RequestContext, entry: Request) -> Refused | tuple[str, list[Delivery]]:
        refused = refusal(entry)
        if refused is not None:
            return refused
        key = bus_key(ctx, entry.get("EventBusName"))
        event_id = self._ids.uuid()
        view = await self._router.view(key)
        if view.bus is None:
            log.warning("an event for a bus that is not there", action="events.no_bus", bus=key.arn, event_id=event_id)
            return event_id, []
        if not self._may_put(ctx, view.bus):
            message = f"User: {ctx.principal.arn} is not authorized to perform: events:PutEvents on resource: {key.arn}"
            return Refused("AccessDeniedException", message)
        event = make_event(entry, event_id, ctx.account, key.region, self._clock.now_ms())
        return event_id, view.deliveries(event)

    def _may_put(self, ctx: RequestContext, bus: Bus) -> bool:
        return ctx.account == bus.key.account or may_put(bus, ctx.account)


def entry_bytes(entry: Request) -> int:
    """The size of an entry. Source: EventBridge User Guide, "Calculating PutEvents event entry size"."""
    texts = [entry.get(name, "") for name in ("Source", "DetailType", "Detail")] + entry.get("Resources", [])
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if "Time" in entry else 0)


def refusal(entry: Request) -> Refused | None:
    """Why an entry cannot be taken, if so."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return Refused("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")
    if len(entry["DetailType"]) > LONGEST_DETAIL_TYPE:
        return Refused(
            "InvalidArgument",
            f"Parameter DetailType is not valid. Reason: it is longer than {LONGEST_DETAIL_TYPE} characters.",
        )
    if entry["Source"].startswith("aws."):
        return Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    return None if _is_object(entry["Detail"]) else Refused("MalformedDetail", "Detail is malformed.")


def make_event(entry: Request, event_id: str, account: str, region: str, now_ms: int) -> Event:
    """The event that a valid entry makes. Source: EventBridge User Guide, "Event structure"."""
    moment = entry.get("Time") or datetime.fromtimestamp(now_ms / 1000, UTC)
    members: dict[str, Any] = {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": account,
        "time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": entry.get("Resources", []),
        "detail": Raw(entry["Detail"].encode()),
    }
    body = json.encode(members)
    return Event(body, json.decode(body), now_ms, entry.get("TraceHeader", ""))


def forwarded_event(body: bytes, now_ms: int, trace_header: str = "") -> Event:
    """An event as another bus sends it."""
    return Event(body, json.decode(body), now_ms, trace_header, forwarded=True)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.decode(text), dict)
    except (DecodeError, RecursionError, UnicodeEncodeError):
        return False
