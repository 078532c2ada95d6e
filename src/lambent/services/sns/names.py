"""Topic names, ARNs of topics and of subscriptions.

Source: SNS API reference, CreateTopic (Name: 1 to 256 letters, digits, underscores and hyphens; FIFO topics end with
.fifo).
"""

import re

from msgspec import Struct

from lambent.arn import make_arn, parse_arn
from lambent.services.sns.errors import invalid

FIFO = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)


class TopicKey(Struct, frozen=True):
    """Which topic of all accounts and Regions."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return make_arn("sns", self.region, self.account, self.name)

    @property
    def fifo(self) -> bool:
        return self.name.endswith(FIFO)


def check_name(name: str) -> None:
    """Raises InvalidParameter for a name that no topic may have."""
    if not _NAME.fullmatch(name.removesuffix(FIFO)) or len(name) > 256:
        raise invalid("Topic Name")


def topic_key(arn: str, parameter: str = "TopicArn") -> TopicKey:
    """The topic that an ARN names. Raises InvalidParameter when it has no such form."""
    try:
        parts = parse_arn(arn)
    except ValueError:
        elements = len(arn.split(":"))
        raise invalid(parameter, f"An ARN must have at least 6 elements, not {elements}") from None
    if parts.service != "sns" or ":" in parts.resource or "/" in parts.resource:
        raise invalid(parameter, f"{arn} is not the ARN of a topic")
    return TopicKey(parts.account, parts.region, parts.resource)


def topic_of_subscription(arn: str) -> TopicKey:
    """The topic that the ARN of a subscription begins with. Raises InvalidParameter."""
    topic, _, name = arn.rpartition(":")
    elements = len(arn.split(":"))
    if elements < 6:
        raise invalid("SubscriptionArn", f"An ARN must have at least 6 elements, not {elements}")
    if elements != 7 or not name:
        raise invalid("SubscriptionId")
    return topic_key(topic, "SubscriptionArn")
