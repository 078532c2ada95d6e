"""The attributes of topics: which there are, what they may hold, and what is shown. Pure.

Source: SNS API reference, CreateTopic, SetTopicAttributes and GetTopicAttributes. DisplayName is for e-mail and SMS,
and as on AWS shown without them.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from lambent.services import resource_policy
from lambent.services.sns import delivery_policy
from lambent.services.sns.errors import invalid, refused
from lambent.services.sns.model import CONTENT_DEDUPLICATION, Topic
from lambent.services.sns.names import TopicKey

LONGEST_DISPLAY_NAME = 100
BOOLEANS = ("FifoTopic", CONTENT_DEDUPLICATION)
CHOICES = {
    "FifoThroughputScope": ("Topic", "MessageGroup"),
    "SignatureVersion": ("1", "2"),
    "TracingConfig": ("PassThrough", "Active"),
}
REFUSED = {
    "KmsMasterKeyId": "Encryption with KMS keys",
    "ArchivePolicy": "Archiving of messages",
    "DataProtectionPolicy": "The data protection policy",
}
FEEDBACK_ROLES = ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn")
SAMPLE_RATE, NO_SAMPLE = "SuccessFeedbackSampleRate", "0"  # percent; none is what Lambent logs
OWNER_ACTIONS = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe"),
    *("ListSubscriptionsByTopic", "Publish"),
)


def checked(key: TopicKey, given: Mapping[str, str]) -> dict[str, str]:
    """Attributes as they are kept. Raises InvalidParameter, NotImplementedByLambent."""
    return {name: _checked(key, name, value) for name, value in given.items()}


def default_policy(key: TopicKey) -> dict[str, Any]:
    """What a topic has that nobody gave a policy: its owner may do everything."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in OWNER_ACTIONS],
                "Resource": key.arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": key.account}},
            }
        ],
    }


def policy_of(topic: Topic) -> dict[str, Any]:
    """The topic's policy, decoded."""
    text = topic.attributes.get("Policy")
    return resource_policy.parsed(text) if text else default_policy(topic.key)


def shown(topic: Topic, counts: Mapping[str, int]) -> dict[str, str]:
    """What GetTopicAttributes answers. `counts` has the subscriptions."""
    text = topic.attributes.get("DeliveryPolicy", "")
    found = {
        "TopicArn": topic.arn,
        "Owner": topic.key.account,
        "DisplayName": "",
        "Policy": json.encode(policy_of(topic)).decode(),
        "EffectiveDeliveryPolicy": json.encode(delivery_policy.effective_of_topic(text)).decode(),
        **{name: str(count) for name, count in counts.items()},
    }
    if topic.key.fifo:
        found |= {"FifoTopic": "true", CONTENT_DEDUPLICATION: "false", "FifoThroughputScope": "Topic"}
    return found | {name: value for name, value in topic.attributes.items() if value}


def _checked(key: TopicKey, name: str, value: str) -> str:
    lacked = REFUSED.get(name) or (
        "Logging of delivery status" if name.endswith((*FEEDBACK_ROLES, SAMPLE_RATE)) else ""
    )
    if lacked:
        if value and not (name.endswith(SAMPLE_RATE) and value == NO_SAMPLE):
            raise refused(lacked)
        return value
    if name in BOOLEANS:
        return _boolean(key, name, value)
    if name in CHOICES:
        _check_choice(key, name, value)
    elif name in TEXTS:
        TEXTS[name](value)
    else:
        raise invalid("AttributeName")
    return value


def _check_choice(key: TopicKey, name: str, value: str) -> None:
    if value not in CHOICES[name]:
        raise invalid(f"{name}: {value}", f"must be one of {', '.join(CHOICES[name])}")
    if value == "Active":
        raise refused("Active tracing")
    if name == "FifoThroughputScope" and not key.fifo:
        raise invalid("Attributes", f"{name} is for FIFO topics")


def _check_policy(value: str) -> None:
    if value and not resource_policy.is_valid(value, "sns"):
        raise invalid("Policy Error: null")


def _check_delivery_policy(value: str) -> None:
    if value:
        delivery_policy.check_for_topic(value)


def _check_display_name(value: str) -> None:
    if len(value) > LONGEST_DISPLAY_NAME:
        raise invalid("DisplayName", f"it has more than {LONGEST_DISPLAY_NAME} characters")


TEXTS = {"Policy": _check_policy, "DeliveryPolicy": _check_delivery_policy, "DisplayName": _check_display_name}


def _boolean(key: TopicKey, name: str, value: str) -> str:
    if value.lower() not in ("true", "false"):
        raise invalid(f"{name}: {value}", "must be true or false")
    if name == "FifoTopic" and (value.lower() == "true") is not key.fifo:
        raise invalid("Topic Name" if key.fifo else "Fifo Topic names must end with .fifo and must be made up of only "
                      "uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 "
                      "and 256 characters long.")  # fmt: skip
    if name == CONTENT_DEDUPLICATION and not key.fifo:
        raise invalid("Attributes", "Content-based deduplication can only be set for FIFO topics")
    return value.lower()
