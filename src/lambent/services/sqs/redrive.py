"""RedrivePolicy and RedriveAllowPolicy, read from their JSON. Pure.

Source: SQS API reference, SetQueueAttributes (both attributes); Developer Guide, "Using dead-letter queues".
"""

from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.sqs.errors import InvalidParameterValue, QueueDoesNotExist, invalid
from lambent.services.sqs.names import FIFO, key_of_arn

MOST_RECEIVES = 1000
MOST_SOURCES = 10


class Redrive(Struct, frozen=True):
    """Where a message goes that was received too often."""

    target_arn: str
    max_receives: int


class RedriveAllow(Struct, frozen=True):
    """Which queues may use this one as their dead-letter queue; `sources` counts for byQueue."""

    permission: str = "allowAll"
    sources: tuple[str, ...] = ()

    def allows(self, source_arn: str) -> bool:
        if self.permission == "byQueue":
            return source_arn in self.sources
        return self.permission == "allowAll"


def redrive_of(text: str) -> Redrive:
    """The policy in `text`. Raises InvalidParameterValue."""
    policy = _object("RedrivePolicy", text)
    if set(policy) - {"deadLetterTargetArn", "maxReceiveCount"}:
        raise _bad("RedrivePolicy", text, "Only following attributes are supported: "
                   "[deadLetterTargetArn, maxReceiveCount].")  # fmt: skip
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if policy.get(name) in (None, ""):
            raise _bad("RedrivePolicy", text, f"Redrive policy does not contain mandatory attribute: {name}.")
    try:
        most = int(str(policy["maxReceiveCount"]))
    except ValueError:
        raise _bad("RedrivePolicy", text, f"Invalid value for maxReceiveCount: {policy['maxReceiveCount']}.") from None
    if not 1 <= most <= MOST_RECEIVES:
        raise _bad(
            "RedrivePolicy",
            text,
            f"Invalid value for maxReceiveCount: {most}, valid values are from 1 to {MOST_RECEIVES} both inclusive.",
        )
    target = policy["deadLetterTargetArn"]
    try:
        key_of_arn(target if isinstance(target, str) else "")
    except QueueDoesNotExist:
        raise _bad("RedrivePolicy", text, "Invalid value for deadLetterTargetArn.") from None
    return Redrive(target, most)


def redrive_allow_of(text: str) -> RedriveAllow:
    """The policy in `text`. Raises InvalidParameterValue."""
    policy = _object("RedriveAllowPolicy", text)
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    known = set(policy) <= {"redrivePermission", "sourceQueueArns"}
    if not known or permission not in ("allowAll", "denyAll", "byQueue"):
        raise _bad("RedriveAllowPolicy", text, "Amazon SQS can't create the redrive allow policy, as it's in an "
                   "unsupported format.")  # fmt: skip
    if permission != "byQueue":
        if sources is not None:
            raise _bad("RedriveAllowPolicy", text, "Amazon SQS can't create the redrive allow policy, as "
                       "sourceQueueArns is allowed only when redrivePermission is byQueue.")  # fmt: skip
        return RedriveAllow(permission)
    if not isinstance(sources, list) or not 1 <= len(sources) <= MOST_SOURCES:
        raise _bad("RedriveAllowPolicy", text, f"Amazon SQS can't create the redrive allow policy. Specify 1 to "
                   f"{MOST_SOURCES} ARNs in sourceQueueArns.")  # fmt: skip
    try:
        for arn in sources:
            key_of_arn(str(arn))
    except QueueDoesNotExist:
        raise _bad("RedriveAllowPolicy", text, f"{arn} is not the ARN of a queue.") from None
    return RedriveAllow(permission, tuple(sources))


def check_target(text: str, source_arn: str, target_arn: str, target: RedriveAllow | None) -> None:
    """Whether this source may use that dead-letter queue; `target` is None when there is none.

    Raises:
        InvalidParameterValue: the queues differ in kind, account or Region, or the target does not allow it.
    """
    if target is None:
        raise _bad("RedrivePolicy", text, "Dead letter target does not exist.")
    source_key, target_key = key_of_arn(source_arn), key_of_arn(target_arn)
    if (source_key.account, source_key.region) != (target_key.account, target_key.region):
        raise _bad("RedrivePolicy", text, "Dead-letter target owner should be same as the source.")
    if source_key.name.endswith(FIFO) != target_key.name.endswith(FIFO):
        raise _bad("RedrivePolicy", text, "Dead-letter queue must be same type of queue as the source.")
    if not target.allows(source_arn):
        raise _bad("RedrivePolicy", text, "Permission is denied by the redrive allow policy of the dead letter target.")


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _bad(name, text, f"{name} is not a valid JSON map.")
    return found


def _bad(name: str, text: str, reason: str) -> InvalidParameterValue:
    return invalid(name, text, reason)
