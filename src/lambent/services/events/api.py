"""Amazon EventBridge: buses, rules, targets, and events on their way.

`EventsService` (service.py) lives in control. `operations` is what the gateway dispatches to; `run` fires
the scheduled rules; `accept` takes an event that another bus, a schedule or a service sends. An event
is matched when it is accepted, by the rules of that moment, and each match is a Delivery that is on
disk before PutEvents answers: from there on delivery has it (lambent.delivery).

Left out, and so answered with NotImplemented: archives and replays, connections, API destinations,
global endpoints, partner events. Refused by name: KMS keys, CloudTrail's management events, targets of
services that are not there.

Accounts and Regions share nothing: both are part of every key, and `default` is a bus that each has.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lambent.delivery.api import Delivery


class Outbox(Protocol):
    """Where deliveries go."""

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Accept them all; they are on disk when this returns."""


class Targets(Protocol):
    """What can be delivered to."""

    def refusal(self, target_arn: str) -> str | None:
        """Why nothing can be delivered to this ARN, in a sentence; None when it can."""


class Roles(Protocol):
    """Roles that targets act as, which belong to IAM."""

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        """Whether the role exists and its trust policy lets that service principal assume it for a resource."""


class Links(NamedTuple):
    """All that this service talks to; the composition root fills it in."""

    outbox: Outbox
    targets: Targets
    roles: Roles
