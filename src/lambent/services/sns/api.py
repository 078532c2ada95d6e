"""Amazon SNS: standard and FIFO topics, and subscriptions of queues, functions and HTTP endpoints.

`SnsService` (service.py) lives in control. `operations` is what the gateway dispatches to; `publisher.publish_for`
takes what Lambent's other services send to a topic, and asks the topic's policy. A message is matched when it is
accepted, by the subscriptions of that moment, and each match is a Delivery that is on disk before Publish answers:
from there on delivery has it (lambent.delivery). A delivery to an HTTP endpoint has the endpoint's URL for its
target.

Left out, and so answered with NotImplemented: mobile push, SMS, phone numbers, data protection policies. Refused by
name: e-mail, SMS, mobile and Firehose subscriptions, KMS keys, archives and replays, active tracing, delivery status
logs, throttle policies of HTTP endpoints, and MessageGroupId on standard topics (fair queues).

Accounts and Regions share nothing: both are part of every key.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lambent.delivery.api import Delivery
from lambent.services.sns.signing import Signer


class Outbox(Protocol):
    """Where deliveries go."""

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Accept them all; they are on disk when this returns."""


class Endpoints(Protocol):
    """HTTP endpoints that subscribe."""

    def refusal(self, url: str) -> str | None:
        """Why nothing can be posted there, in a sentence; None when it may be."""


class Links(NamedTuple):
    """All that this service talks to; the composition root fills it in."""

    outbox: Outbox
    signer: Signer
    endpoints: Endpoints
