"""S3, connected: who may be told of its events, and who keeps what in it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from lambent.arn import parse_arn
from lambent.clock import Clock
from lambent.delivery.api import Carrier, Delivery, NotDelivered
from lambent.errors import ServiceError, Unavailable
from lambent.ids import Ids
from lambent.roles.carriers import NO_RESOURCE, FunctionCarrier, Roles, Services, check_role
from lambent.services.operation import RequestContext
from lambent.services.s3.files import Files


class Archives:
    """Objects for the Lambda service, which is built before S3."""

    files: Files

    async def read(self, context: RequestContext, place: tuple[str, str, str | None], most_bytes: int) -> bytes:
        """The bytes of an object."""
        return await self.files.read(context, place, most_bytes)


class ObjectCarrier:
    """Keeps the records of failed invocations as objects.

    Source: Lambda Developer Guide, "Retaining records of asynchronous invocations" and "Retain discarded records for a
    DynamoDB event source": the names of the objects. The option ObjectKeyPrefix is how the latter begin.
    """

    def __init__(self, files: Files, roles: Roles, clock: Clock, ids: Ids) -> None:
        self._files, self._roles, self._clock, self._ids = files, roles, clock, ids

    async def carry(self, delivery: Delivery) -> None:
        if delivery.role_arn:
            await check_role(self._roles, delivery)
        function = parse_arn(delivery.source_arn).resource.split(":")[1]
        now = datetime.fromtimestamp(self._clock.now_s(), UTC)
        prefix = delivery.options.get("ObjectKeyPrefix", f"aws/lambda/async/{function}")
        key = f"{prefix}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{self._ids.uuid()}"
        place = parse_arn(delivery.target_arn).resource, key
        try:
            await self._files.write(delivery.account, place, delivery.payload)
        except ServiceError as error:
            raise NotDelivered(NO_RESOURCE, error.message, again=False) from error


class Destinations:
    """Where notifications may go: asked before a configuration is taken. Implements what S3 asks."""

    def __init__(self, services: Services, carriers: Mapping[str, Carrier]) -> None:
        self._services, self._carriers = services, carriers

    def refusal(self, target_arn: str) -> str | None:
        return self._services.refusal(target_arn)

    async def try_out(self, delivery: Delivery) -> str | None:
        """A function is asked whether it may be invoked; all others get what they would get."""
        carrier = self._services.carrier(delivery.target_arn)
        if carrier is None:
            return self.refusal(delivery.target_arn)
        try:
            if isinstance(carrier, FunctionCarrier):
                await carrier.check(delivery)
            else:
                await carrier.carry(delivery)
        except (NotDelivered, Unavailable) as error:
            return str(error)
        return None
