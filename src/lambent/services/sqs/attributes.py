"""The attributes of a queue: which may be set, to what, and what they mean. Pure.

Attributes are kept as the caller wrote them; `settings_of` is what the rest of the service reads. What is not set has
AWS's default. Refused by name: KMS keys.

Source: SQS API reference, CreateQueue and SetQueueAttributes (names, ranges, defaults).
"""

from collections.abc import Mapping

from msgspec import Struct

from lambent.services import resource_policy as policy
from lambent.services.sqs.errors import InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue
from lambent.services.sqs.redrive import Redrive, RedriveAllow, redrive_allow_of, redrive_of

RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
CHOICES = {
    "FifoQueue": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
TEXTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"})
SETTABLE = RANGES.keys() | CHOICES.keys() | TEXTS
ONLY_FIFO = frozenset({"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
COMPUTED = (
    *("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"),
    *("CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"),
)
KNOWN = SETTABLE | set(COMPUTED) | {"All"}
DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "SqsManagedSseEnabled": "false",  # AWS has "true"; what is not encrypted here is not said to be
}
FIFO_DEFAULTS = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}


class QueueSettings(Struct, frozen=True):
    """What a queue's attributes mean."""

    fifo: bool
    delay_s: int
    max_bytes: int
    retention_s: int
    wait_s: int
    visibility_s: int
    content_deduplication: bool
    group_deduplication: bool
    group_throughput: bool
    redrive: Redrive | None
    redrive_allow: RedriveAllow
    policy: policy.Document | None


def is_fifo(attributes: Mapping[str, str]) -> bool:
    return attributes.get("FifoQueue") == "true"


def checked(attributes: Mapping[str, str]) -> dict[str, str]:
    """`attributes` as they are kept; an empty text takes its attribute away.

    Raises:
        InvalidAttributeName: no such attribute, or not one that can be set.
        InvalidAttributeValue: the value has a wrong form or is out of range.
        InvalidParameterValue: a redrive policy that cannot be.
    """
    for name, value in attributes.items():
        if name not in SETTABLE:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
        if value is None or not _fits(name, value):
            raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    if attributes.get("KmsMasterKeyId"):
        raise InvalidAttributeValue(
            "Invalid value for the parameter KmsMasterKeyId. Lambent does not encrypt with KMS keys; leave it out."
        )
    if attributes.get("SqsManagedSseEnabled") == "true":
        raise InvalidAttributeValue(
            "Invalid value for the parameter SqsManagedSseEnabled. Lambent does not encrypt messages; leave it out."
        )
    return dict(attributes)


def check_together(attributes: Mapping[str, str]) -> None:
    """What no queue may have together. Raises InvalidAttributeName or InvalidAttributeValue."""
    if not is_fifo(attributes):
        for name in ONLY_FIFO & attributes.keys():
            raise InvalidAttributeName(f"You can specify the {name} only when FifoQueue is set to true.")
        if "FifoQueue" in attributes:  # AWS takes only `true`: a standard queue is one without the attribute
            raise InvalidAttributeName("Unknown Attribute FifoQueue.")
    per_group = attributes.get("FifoThroughputLimit") == "perMessageGroupId"
    if per_group and attributes.get("DeduplicationScope") != "messageGroup":
        raise InvalidParameterValue(
            "The value perMessageGroupId for parameter FifoThroughputLimit is allowed only when the value for "
            "DeduplicationScope is messageGroup."
        )


def settings_of(attributes: Mapping[str, str]) -> QueueSettings:
    """The meaning of attributes that were checked."""
    full = DEFAULTS | dict(attributes)
    redrive, allow, document = full.get("RedrivePolicy"), full.get("RedriveAllowPolicy"), full.get("Policy")
    return QueueSettings(
        fifo=is_fifo(full),
        delay_s=int(full["DelaySeconds"]),
        max_bytes=int(full["MaximumMessageSize"]),
        retention_s=int(full["MessageRetentionPeriod"]),
        wait_s=int(full["ReceiveMessageWaitTimeSeconds"]),
        visibility_s=int(full["VisibilityTimeout"]),
        content_deduplication=full.get("ContentBasedDeduplication") == "true",
        group_deduplication=full.get("DeduplicationScope") == "messageGroup",
        group_throughput=full.get("FifoThroughputLimit") == "perMessageGroupId",
        redrive=redrive_of(redrive) if redrive else None,
        redrive_allow=redrive_allow_of(allow) if allow else RedriveAllow(),
        policy=policy.parsed(document) if document else None,
    )


def shown(attributes: Mapping[str, str]) -> dict[str, str]:
    """All that GetQueueAttributes shows of the attributes that can be set."""
    defaults = DEFAULTS | FIFO_DEFAULTS if is_fifo(attributes) else DEFAULTS
    return {name: value for name, value in (defaults | dict(attributes)).items() if value != ""}


def _fits(name: str, value: str) -> bool:
    if name in RANGES:
        least, most = RANGES[name]
        return value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most
    if name in CHOICES:
        return value in CHOICES[name]
    if value == "":
        return True
    if name == "Policy":
        return policy.is_valid(value, "sqs")
    if name == "RedrivePolicy":
        redrive_of(value)
    if name == "RedriveAllowPolicy":
        redrive_allow_of(value)
    return True
