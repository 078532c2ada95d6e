"""What can be subscribed to which topic. Pure.

Source: SNS API reference, Subscribe; SNS Developer Guide, "Message delivery for FIFO topics"; the words as the
service gives them.
"""

from urllib.parse import urlsplit

from lambent.arn import parse_arn
from lambent.services.sns.errors import invalid, refused
from lambent.services.sns.model import FUNCTIONS, HTTP, QUEUES
from lambent.services.sns.names import FIFO, TopicKey

OF_OTHERS = ("email", "email-json", "sms", "application", "firehose")


def check_endpoint(topic: TopicKey, protocol: str, endpoint: str) -> None:
    """Raises InvalidParameter for what cannot be; NotImplementedByLambent for what only AWS can."""
    if topic.fifo and protocol != QUEUES:
        raise invalid(f"Invalid protocol type: {protocol}")
    if protocol in OF_OTHERS:
        raise refused(f"The protocol {protocol}")
    if protocol not in (QUEUES, FUNCTIONS, *HTTP):
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint", "no value for required parameter")
    if protocol in HTTP:
        _check_url(protocol, endpoint)
        return
    account_of(protocol, endpoint)
    if endpoint.endswith(FIFO) and not topic.fifo:
        raise invalid("Endpoint", "FIFO SQS Queues can not be subscribed to standard SNS topics")


def account_of(protocol: str, endpoint: str) -> str:
    """Whose queue or function it is. Raises InvalidParameter."""
    words = "SQS endpoint ARN" if protocol == QUEUES else "Lambda endpoint ARN"
    try:
        parts = parse_arn(endpoint)
    except ValueError:
        raise invalid(words) from None
    if parts.service != protocol or (protocol == FUNCTIONS and not parts.resource.startswith("function:")):
        raise invalid(words)
    return parts.account


def _check_url(protocol: str, endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise invalid("Endpoint", "it is not a URL") from None
    if parts.scheme != protocol:
        raise invalid("Endpoint must match the specified protocol")
    if not parts.hostname or port == 0 or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise invalid("Endpoint", "it is not a URL")
