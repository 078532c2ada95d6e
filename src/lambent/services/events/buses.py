"""CreateEventBus, DescribeEventBus, UpdateEventBus, DeleteEventBus, ListEventBuses."""

from datetime import UTC, datetime

from msgspec import structs

from lambent.errors import ValidationError
from lambent.services.events import store
from lambent.services.events.errors import AlreadyExists
from lambent.services.events.model import DEFAULT, Bus
from lambent.services.events.names import bus_key, own_bus_key
from lambent.services.events.resource import Resource, tags_of
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.pages import page
from lambent.store.api import Transaction


class Buses(Resource):
    """Event buses."""

    @operation("CreateEventBus")
    async def create_event_bus(self, ctx: RequestContext, request: Request) -> Answer:
        """A new bus of one's own."""
        name = request["Name"]
        if "/" in name:
            raise ValidationError("Event bus name must not contain '/'.")
        _refuse_what_is_not_carried_out(request)
        key, now_ms = bus_key(ctx, name), self.clock.now_ms()

        def work(tx: Transaction) -> None:
            if name == DEFAULT or store.has_bus(tx, key):
                raise AlreadyExists(f"Event bus {name} already exists.")
            store.set_bus(tx, Bus(key, request.get("Description", ""), "", now_ms, now_ms))
            store.set_tags(tx, key.arn, tags_of(request))

        await self.write(key, work)
        return {"EventBusArn": key.arn, **_described(request.get("Description", ""))}

    @operation("DescribeEventBus")
    async def describe_event_bus(self, ctx: RequestContext, request: Request) -> Answer:
        """One bus, with its policy."""
        key = own_bus_key(ctx, request.get("Name"))
        return _description(await self.database.read(lambda tx: store.bus(tx, key)))

    @operation("UpdateEventBus")
    async def update_event_bus(self, ctx: RequestContext, request: Request) -> Answer:
        """Change the description."""
        _refuse_what_is_not_carried_out(request)
        key, now_ms = own_bus_key(ctx, request.get("Name")), self.clock.now_ms()

        def work(tx: Transaction) -> Bus:
            found = store.bus(tx, key)
            changed = structs.replace(
                found, description=request.get("Description", found.description), modified_ms=now_ms
            )
            store.set_bus(tx, changed)
            return changed

        changed = await self.write(key, work)
        return {"Arn": key.arn, "Name": key.name, **_described(changed.description)}

    @operation("DeleteEventBus")
    async def delete_event_bus(self, ctx: RequestContext, request: Request) -> None:
        """Remove a bus that has no rules; one that is not there does not matter."""
        key = own_bus_key(ctx, request["Name"])
        if key.name == DEFAULT:
            raise ValidationError("Cannot delete event bus default.")

        def work(tx: Transaction) -> None:
            if store.rules(tx, key):
                raise ValidationError("EventBus can't be deleted since it has rules.")
            store.delete_bus(tx, key)

        await self.write(key, work)

    @operation("ListEventBuses")
    async def list_event_buses(self, ctx: RequestContext, request: Request) -> Answer:
        """The buses, by name."""
        found = await self.database.read(lambda tx: store.buses(tx, ctx.account, ctx.region))
        wanted = [bus for bus in found if bus.key.name.startswith(request.get("NamePrefix", ""))]
        return page(request, "EventBuses", wanted, lambda bus: bus.key.name, _description)


def _refuse_what_is_not_carried_out(request: Request) -> None:
    for name, what in (
        ("EventSourceName", "partner event sources"),
        ("KmsKeyIdentifier", "encryption with keys of your own"),
        ("DeadLetterConfig", "dead-letter queues of buses, which AWS uses for keys that fail; give them to targets"),
    ):
        if request.get(name):
            raise ValidationError(f"Lambent does not carry out {what}; leave {name} out.")
    if request.get("LogConfig", {}).get("Level", "OFF") != "OFF":
        raise ValidationError("Lambent does not log what buses do; leave LogConfig out, or set its Level to OFF.")


def _described(description: str) -> Answer:
    return {"Description": description} if description else {}


def _description(bus: Bus) -> Answer:
    answer: Answer = {"Name": bus.key.name, "Arn": bus.key.arn, **_described(bus.description)}
    if bus.policy:
        answer["Policy"] = bus.policy
    if bus.created_ms:
        answer["CreationTime"] = datetime.fromtimestamp(bus.created_ms / 1000, UTC)
        answer["LastModifiedTime"] = datetime.fromtimestamp(bus.modified_ms / 1000, UTC)
    return answer
