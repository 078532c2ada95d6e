"""S3, connected: where the bytes lie on this node, and who may be told of its events."""

from collections.abc import Mapping

from lambent.delivery.api import Carrier, Delivery, NotDelivered
from lambent.errors import Unavailable
from lambent.roles.carriers import FunctionCarrier, Services


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
