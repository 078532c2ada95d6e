"""Who carries deliveries to what: one carrier for each service whose resources can be targets.

Each asks the target's service whether the sender may, as AWS does: by the resource policy of the function,
the queue, the topic or the bus, or by the role that the sender was given, which has to trust the sender's service.
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Protocol

from msgspec import structs

from lambent.arn import Arn, parse_arn
from lambent.clock import Clock
from lambent.delivery.api import Carrier, Delivery, NotDelivered
from lambent.errors import AccessDenied, ServiceError
from lambent.ids import Ids
from lambent.invocation.asynchronous.queue import EventQueue
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.services.events.names import bus_named
from lambent.services.events.put_events import Intake, forwarded_event
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.service import LambdaService
from lambent.services.logs.appending import Appending
from lambent.services.sns.errors import AuthorizationError, NotFound
from lambent.services.sns.model import Attribute
from lambent.services.sns.publishing import Publisher, Sender
from lambent.services.sqs.message_attributes import MOST as MOST_ATTRIBUTES
from lambent.services.sqs.public import Delivery as Message
from lambent.services.sqs.public import PublicQueues

NO_TARGETS = frozenset({"s3"})  # keeps the records of invocations only
FORWARDERS = ("events.amazonaws.com", "scheduler.amazonaws.com")
NO_PERMISSIONS, NO_RESOURCE, CLIENT_ERROR = "NO_PERMISSIONS", "NO_RESOURCE", "SDK_CLIENT_ERROR"


class Roles(Protocol):
    """Roles that senders act as."""

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        """Whether the role exists and trusts that service principal."""


async def check_role(roles: Roles, delivery: Delivery) -> None:
    """Raises NotDelivered when the sender cannot act as the role it was given."""
    if not await roles.assumable_by(delivery.role_arn, delivery.principal, delivery.account, delivery.source_arn):
        raise _forbidden(f"The role {delivery.role_arn} cannot be assumed by {delivery.principal}.")


class Services:
    """The carriers by the service of the target, and the one for URLs, which only SNS sends to. Implements
    what delivery and the services ask."""

    def __init__(self, carriers: Mapping[str, Carrier], urls: Carrier) -> None:
        self._carriers, self._urls = carriers, urls

    def carrier(self, target_arn: str) -> Carrier | None:
        if target_arn.startswith(("http://", "https://")):
            return self._urls
        service = _service(target_arn)
        return None if service is None else self._carriers.get(service)

    def refusal(self, target_arn: str) -> str | None:
        service = _service(target_arn)
        if service is None:
            return f"{target_arn} is not an ARN."
        if service in self._carriers and service not in NO_TARGETS:
            return None
        known = ", ".join(sorted(self._carriers.keys() - NO_TARGETS))
        return f"Lambent cannot deliver to {service} ({target_arn}); it can to {known}."


class FunctionCarrier:
    """Puts an event into the queue of asynchronous invocations; the function's policy has to allow it."""

    def __init__(self, lambda_: LambdaService, queue: EventQueue, roles: Roles, ids: Ids, largest_bytes: int) -> None:
        self._lambda, self._queue, self._roles, self._ids = lambda_, queue, roles, ids
        self._largest_bytes = largest_bytes

    async def check(self, delivery: Delivery) -> tuple[FunctionKey, str]:
        """Which function it is, if it is there and may be invoked. Raises NotDelivered."""
        key, qualifier = _function(parse_arn(delivery.target_arn))
        await self._check_permission(delivery, key, qualifier)
        try:
            await self._lambda.data_plane.snapshot(key, qualifier)
        except ServiceError as error:
            raise NotDelivered(NO_RESOURCE, error.message, again=False) from error
        return key, qualifier

    async def carry(self, delivery: Delivery) -> None:
        key, qualifier = await self.check(delivery)
        if len(delivery.payload) > self._largest_bytes:
            raise NotDelivered(CLIENT_ERROR, f"The payload is over {self._largest_bytes} bytes.", again=False)
        await self._queue.put(
            Invocation(
                request_id=self._ids.uuid(),
                function=key,
                qualifier=qualifier,
                payload=delivery.payload,
                trace_header=delivery.options.get("TraceHeader", ""),
            )
        )

    async def _check_permission(self, delivery: Delivery, key: FunctionKey, qualifier: str) -> None:
        if delivery.role_arn:
            await check_role(self._roles, delivery)
            if parse_arn(delivery.role_arn).account == key.account:
                return
        caller = Caller(delivery.principal, source_arn=delivery.source_arn, source_account=delivery.account)
        if not await self._lambda.permissions.allows(key, qualifier, caller):
            who = f"{delivery.principal} for {delivery.source_arn}"
            raise _forbidden(f"The policy of {delivery.target_arn} does not let {who} invoke it.")


class QueueCarrier:
    """Puts a message into a queue; the queue's policy has to allow it. A FIFO queue has to derive its
    deduplication ids from the content, as AWS asks of it too, unless the sender gives them."""

    def __init__(self, queues: PublicQueues, roles: Roles) -> None:
        self._queues, self._roles = queues, roles

    async def carry(self, delivery: Delivery) -> None:
        arn = delivery.target_arn
        if not self._queues.exists(arn):
            raise NotDelivered(NO_RESOURCE, f"There is no queue {arn}.", again=False)
        await self._check_permission(delivery)
        if len(delivery.attributes) > MOST_ATTRIBUTES:
            reason = f"A message of a queue has at most {MOST_ATTRIBUTES} attributes."
            raise NotDelivered(CLIENT_ERROR, reason, again=False)
        message = Message(
            body=delivery.payload.decode("utf-8", "replace"),
            sender_id=delivery.principal,
            attributes=_typed(delivery),
            trace_header=delivery.options.get("TraceHeader", ""),
            group=delivery.options.get("MessageGroupId"),
            deduplication_id=delivery.options.get("MessageDeduplicationId"),
        )
        try:
            await self._queues.send(arn, message)
        except ServiceError as error:
            raise NotDelivered(CLIENT_ERROR, error.message, again=False) from error

    async def _check_permission(self, delivery: Delivery) -> None:
        arn = delivery.target_arn
        if delivery.role_arn:
            await check_role(self._roles, delivery)
            if parse_arn(delivery.role_arn).account == parse_arn(arn).account:
                return
        if not self._queues.allows(arn, delivery.principal, delivery.source_arn, delivery.account):
            who = f"{delivery.principal} for {delivery.source_arn}"
            raise _forbidden(f"The policy of {arn} does not let {who} send to it.")


class TopicCarrier:
    """Publishes to a topic; the topic's policy has to allow it. FIFO topics need a group, which no sender gives."""

    def __init__(self, publisher: Publisher, roles: Roles) -> None:
        self._publisher, self._roles = publisher, roles

    async def carry(self, delivery: Delivery) -> None:
        trusted = False
        if delivery.role_arn:
            await check_role(self._roles, delivery)
            trusted = parse_arn(delivery.role_arn).account == parse_arn(delivery.target_arn).account
        types = delivery.attribute_types
        subject = {name: value for name, value in delivery.options.items() if name == "Subject"}
        attributes = {name: Attribute(types.get(name, "String"), value) for name, value in delivery.attributes.items()}
        try:
            await self._publisher.publish_for(
                Sender(delivery.principal, delivery.source_arn, delivery.account, trusted),
                delivery.target_arn,
                {"Message": delivery.payload.decode("utf-8", "replace"), **subject},
                attributes,
                delivery.options.get("TraceHeader", ""),
            )
        except NotFound as error:
            raise NotDelivered(NO_RESOURCE, error.message, again=False) from error
        except AuthorizationError as error:
            raise _forbidden(error.message) from error
        except ServiceError as error:
            raise NotDelivered(CLIENT_ERROR, error.message, again=False) from error


class LogCarrier:
    """Writes each event into a stream of its own, as EventBridge does. Only groups of the sender's account."""

    def __init__(self, appending: Appending, ids: Ids) -> None:
        self._appending, self._ids = appending, ids

    async def carry(self, delivery: Delivery) -> None:
        arn = parse_arn(delivery.target_arn)
        if arn.account != delivery.account:
            raise _forbidden(f"The log group {delivery.target_arn} is another account's.")
        group = arn.resource.removeprefix("log-group:").removesuffix(":*")
        try:
            await self._appending.append(
                (arn.account, arn.region), group, self._ids.uuid(), delivery.payload.decode("utf-8", "replace")
            )
        except ServiceError as error:
            raise NotDelivered(NO_RESOURCE, error.message, again=False) from error


class BusCarrier:
    """Hands events to another bus: whole ones, or those that the options give a source and a type."""

    def __init__(self, intake: Intake, roles: Roles, clock: Clock) -> None:
        self._intake, self._roles, self._clock = intake, roles, clock

    async def carry(self, delivery: Delivery) -> None:
        if delivery.role_arn:
            await check_role(self._roles, delivery)
        key = bus_named(delivery.account, delivery.region, delivery.target_arn)
        try:
            if "DetailType" in delivery.options:
                await self._intake.publish(key, _entry(delivery), delivery.account)
            else:
                trace_header = delivery.options.get("TraceHeader", "")
                event = forwarded_event(delivery.payload, self._clock.now_ms(), trace_header)
                if delivery.principal not in FORWARDERS:  # its first bus: it may be sent on to another
                    event = structs.replace(event, forwarded=False)
                await self._intake.accept(key, event, delivery.account)
        except AccessDenied as error:
            raise _forbidden(error.message) from error
        except ServiceError as error:
            raise NotDelivered(NO_RESOURCE, error.message, again=False) from error


def _entry(delivery: Delivery) -> dict[str, object]:
    return {
        "Source": delivery.options["Source"],
        "DetailType": delivery.options["DetailType"],
        "Detail": delivery.payload.decode(),
        "Resources": delivery.options.get("Resources", delivery.source_arn).split(),
    }


def _function(arn: Arn) -> tuple[FunctionKey, str]:
    kind, _, rest = arn.resource.partition(":")
    name, _, qualifier = rest.partition(":")
    if kind != "function" or not name:
        raise NotDelivered(NO_RESOURCE, f"{arn} is not the ARN of a function.", again=False)
    return FunctionKey(arn.account, arn.region, name), qualifier


def _service(arn: str) -> str | None:
    try:
        return parse_arn(arn).service
    except ValueError:
        return None


def _forbidden(message: str) -> NotDelivered:
    return NotDelivered(NO_PERMISSIONS, message, again=False)


def _typed(delivery: Delivery) -> dict[str, tuple[str, str | bytes]]:
    """The attributes with their data types; Binary ones as bytes."""
    found: dict[str, tuple[str, str | bytes]] = {}
    for name, value in delivery.attributes.items():
        kind = delivery.attribute_types.get(name, "String")
        found[name] = kind, b64decode(value) if kind.partition(".")[0] == "Binary" else value
    return found
