"""Amazon EventBridge Scheduler: schedules, one-time and recurring, that each call one target.

`SchedulerService` (service.py) lives in control. `operations` is what the gateway dispatches to; `run` fires
what is due. Each firing is a Delivery that is on disk before the schedule's next moment is
(lambent.delivery), so a schedule fires at least once for each of its moments.

What passed while the platform was down: the newest moment that was missed is made up for, once, as soon as
it runs again, and its age counts from that moment. Older ones are skipped. Where that age is over the target's
MaximumEventAgeInSeconds (a day, unless set), it goes to the dead-letter queue instead, or is dropped.

Targets are the templated ones that Lambent has: a function, a queue, a topic, an event bus. Universal targets
(`aws-sdk:...`), KMS keys and the parameters of other services are refused by name.
Accounts and Regions share nothing: both are part of every key.
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
    """Roles that schedules act as, which belong to IAM."""

    async def assumable_by(self, role_arn: str, service: str, account: str, source_arn: str = "") -> bool:
        """Whether the role exists and its trust policy lets that service principal assume it for a resource."""


class Links(NamedTuple):
    """All that this service talks to; the composition root fills it in."""

    outbox: Outbox
    targets: Targets
    roles: Roles
