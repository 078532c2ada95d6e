"""The contract of delivery: one durable road from a service to another service's resource.

EventBridge's rules, Scheduler's schedules and whoever else sends on another's behalf describe what is
to go where as a `Delivery`, and give it to `Deliveries.put` (deliveries.py), which returns once it is
on disk. From then on it reaches its target at least once, or, when its retries or its age are used
up or trying again is no use, its dead-letter queue. `run` delivers until it is cancelled; one `run`
at a time. Deliveries to one target may overtake one another, but for those of one `line`: the next of a
line is not tried before the one in front of it has arrived or was given up.

Delivery knows no target. It asks `Carriers` for the one that a target's ARN, or its URL, belongs to; the
composition root makes them, and a service may ask `refusal` before it accepts a target at all.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from lambent.errors import LambentError

MOST_RETRIES, LONGEST_AGE_S = 185, 86_400


class Pace(Struct, frozen=True):
    """How retries follow one another: some at once, some `min_s` apart, then waits that grow from `min_s` to
    `max_s` along a curve (linear, arithmetic, geometric, exponential), and the last ones `max_s` apart."""

    at_once: int
    at_min: int
    at_max: int
    min_s: float
    max_s: float
    curve: str = "linear"


class DeadLetter(Struct, frozen=True):
    """Where a delivery ends that cannot be made: an SQS queue, the text it gets, and its message attributes.

    Beside `attributes` the message tells what went wrong, unless it is not `explained`: ERROR_CODE, ERROR_MESSAGE,
    RETRY_ATTEMPTS, and EXHAUSTED_RETRY_CONDITION when it was the retries or the age. With a `role_arn` it is sent as
    that role. `attribute_types` and `options` are as those of a Delivery.
    """

    queue_arn: str
    payload: bytes
    attributes: Mapping[str, str] = {}
    role_arn: str = ""
    explained: bool = True
    attribute_types: Mapping[str, str] = {}
    options: Mapping[str, str] = {}


class Delivery(Struct, frozen=True):
    """Something for a target.

    `source_arn` and `principal` are on whose behalf: the rule, schedule or subscription, and the service
    principal that the target's resource policy has to allow, or `role_arn` if it acts as a role. Age
    counts from `accepted_ms`. `attributes` become message attributes where the target has such, of the type String
    or what `attribute_types` says of them (the text of a Binary one is base64);
    `options` are what only this kind of target knows (MessageGroupId; Source, DetailType, Resources ...). Wherever
    the payload holds `attempt_mark`, the target reads the number of the attempt. Deliveries of one `line` keep
    their order; "" is none. Without a `pace` the waits between attempts double. `lost_as` is the metric of
    AWS/Lambda that counts it, of the function at `source_arn`, when it is given up.
    """

    account: str
    region: str
    target_arn: str
    payload: bytes
    source_arn: str
    principal: str
    accepted_ms: int
    role_arn: str = ""
    attributes: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    max_retries: int = MOST_RETRIES
    max_age_s: int = LONGEST_AGE_S
    dead_letter: DeadLetter | None = None
    attempt_mark: str = ""
    attribute_types: Mapping[str, str] = {}
    line: str = ""
    pace: Pace | None = None
    lost_as: str = ""


class NotDelivered(LambentError):
    """The target did not take it. `code` is for the dead-letter message; `again` tells whether trying
    again may help: not where the target is gone or forbids it."""

    def __init__(self, code: str, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.code, self.message, self.again = code, message, again


class Carrier(Protocol):
    """Hands deliveries to the resources of one service."""

    async def carry(self, delivery: Delivery) -> None:
        """Return once the target has it durably. Raises NotDelivered, or Unavailable."""


class Carriers(Protocol):
    """Every service that something can be delivered to."""

    def carrier(self, target_arn: str) -> Carrier | None:
        """Who carries to this target; None when nobody does."""

    def refusal(self, target_arn: str) -> str | None:
        """Why nothing can be delivered to this ARN, in a sentence; None when it can."""


class Statistics(Struct, frozen=True):
    """What waits, and what was done since the start; for status and metrics."""

    waiting: int
    delivered: int
    retried: int
    dead_lettered: int
    dropped: int
