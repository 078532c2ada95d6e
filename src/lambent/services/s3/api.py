"""Amazon S3: buckets and objects that keep what they acknowledged, and tell others of it.

`S3Service` (service.py) lives in control and owns the truth about objects: names, versions, metadata, which blobs their
bytes are. It sees no bytes but those of small objects, which travel with the request: the edges read and write blobs
(`gateway/objects.py`), through an `Objects` of `store/api.py`, and control commits what they wrote. `files` lets other
services read and write objects.

`run` deletes what nobody needs, expires what lifecycle rules say, and hands notifications to the common road; its
owner keeps the task. A notification is committed with what it tells of: once a PUT was answered, it is not lost.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lambent.delivery.api import Delivery
from lambent.store.api import Objects
from lambent.vault import Vault


class Outbox(Protocol):
    """The common road of deliveries."""

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Accept them; they are on disk when this returns."""


class Destinations(Protocol):
    """Functions, queues, topics and buses that notifications may go to."""

    def refusal(self, target_arn: str) -> str | None:
        """Why nothing can be delivered to this ARN, in a sentence; None when it can."""

    async def try_out(self, delivery: Delivery) -> str | None:
        """Why this delivery would not be taken, in a sentence; None when it would. A queue or a topic gets it, a
        function does not."""


class Links(NamedTuple):
    """All that this service talks to, and what seals the bytes of its objects; the composition root fills it in."""

    objects: Objects
    outbox: Outbox
    destinations: Destinations
    vault: Vault
