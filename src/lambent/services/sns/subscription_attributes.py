"""The attributes of subscriptions: which there are, what they may hold, and what is shown. Pure.

Source: SNS API reference, Subscribe, SetSubscriptionAttributes, GetSubscriptionAttributes; the words as the service
gives them.
"""

from collections.abc import Mapping

from msgspec import DecodeError, json

from lambent.arn import parse_arn
from lambent.patterns.api import AttributePolicy, BodyPolicy, InvalidPattern, attribute_policy, body_policy
from lambent.services.sns import delivery_policy
from lambent.services.sns.errors import InvalidParameter, invalid, refused
from lambent.services.sns.model import HTTP, QUEUES, Subscription, Topic
from lambent.services.sns.names import FIFO, TopicKey

SETTABLE = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
REFUSED = {"SubscriptionRoleArn": "Delivery to Firehose", "ReplayPolicy": "Replaying of archived messages"}
SCOPES = ("MessageAttributes", "MessageBody")


def checked(topic: TopicKey, protocol: str, given: Mapping[str, str]) -> dict[str, str]:
    """All attributes of one subscription, as they are kept; empty ones are those that are taken away.

    Raises:
        InvalidParameter: one cannot be, or they do not go together.
        NotImplementedByLambent: one that AWS has and Lambent lacks.
    """
    for name, value in given.items():
        if name in REFUSED and value:
            raise refused(REFUSED[name])
        if name not in SETTABLE and name not in REFUSED:
            raise invalid("AttributeName")
    kept = {name: value for name, value in given.items() if value not in ("", "{}") or name == "FilterPolicyScope"}
    _check_raw(protocol, kept)
    if "DeliveryPolicy" in kept:
        if protocol not in HTTP:
            raise invalid("Attributes", f"Delivery protocol [{protocol}] does not support delivery policies.")
        delivery_policy.check_for_subscription(kept["DeliveryPolicy"])
    if kept.get("FilterPolicyScope", SCOPES[0]) not in SCOPES:
        raise invalid(
            f"FilterPolicyScope: Invalid value [{kept['FilterPolicyScope']}]. Please use either MessageBody or "
            "MessageAttributes"
        )
    filter_of(kept)
    if "RedrivePolicy" in kept:
        dead_letter_queue(topic, kept["RedrivePolicy"])
    return kept


def filter_of(attributes: Mapping[str, str]) -> AttributePolicy | BodyPolicy | None:
    """The compiled filter policy; None when everything is wanted. Raises InvalidParameter."""
    text = attributes.get("FilterPolicy")
    if not text:
        return None
    try:
        return body_policy(text) if attributes.get("FilterPolicyScope") == "MessageBody" else attribute_policy(text)
    except InvalidPattern as error:
        raise invalid(f"FilterPolicy: {error.reason}") from error


def dead_letter_queue(topic: TopicKey, text: str) -> str:
    """The queue of a RedrivePolicy. Raises InvalidParameter."""
    try:
        policy = json.decode(text)
    except (DecodeError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or not isinstance(policy.get("deadLetterTargetArn"), str):
        raise _bad_redrive("failed to parse JSON, or it has no deadLetterTargetArn")
    unknown = set(policy) - {"deadLetterTargetArn"}
    if unknown:
        raise _bad_redrive(f"unexpected member {sorted(unknown)[0]}")
    arn: str = policy["deadLetterTargetArn"]
    try:
        parts = parse_arn(arn)
    except ValueError:
        raise _bad_redrive("deadLetterTargetArn is an invalid arn") from None
    if parts.service != "sqs":
        raise _bad_redrive("deadLetterTargetArn must be the ARN of an SQS queue")
    if (parts.account, parts.region) != (topic.account, topic.region):
        raise _bad_redrive("the dead-letter queue must be in the account and Region of the topic")
    if arn.endswith(FIFO) is not topic.fifo:
        raise _bad_redrive("must use a FIFO queue as DLQ for a FIFO topic, and a standard queue for a standard topic")
    return arn


def shown(topic: Topic, subscription: Subscription) -> dict[str, str]:
    """What GetSubscriptionAttributes answers."""
    own = subscription.attributes
    found = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": topic.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": endpoint_shown(subscription),
        "ConfirmationWasAuthenticated": str(subscription.authenticated).lower(),
        "PendingConfirmation": str(subscription.pending).lower(),
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": subscription.principal,
        **own,
    }
    if "FilterPolicy" in own:
        found["FilterPolicyScope"] = own.get("FilterPolicyScope", SCOPES[0])
    if subscription.protocol in HTTP:
        effective = delivery_policy.effective(topic.attributes.get("DeliveryPolicy", ""), own.get("DeliveryPolicy", ""))
        found["EffectiveDeliveryPolicy"] = json.encode(effective).decode()
    return found


def endpoint_shown(subscription: Subscription) -> str:
    """The endpoint, without the password that its URL may have."""
    scheme, _, rest = subscription.endpoint.partition("://")
    login, at, place = rest.partition("@")
    if subscription.protocol not in HTTP or not at or "/" in login:
        return subscription.endpoint
    return f"{scheme}://{login.partition(':')[0]}:****@{place}"


def _check_raw(protocol: str, kept: Mapping[str, str]) -> None:
    raw = kept.get("RawMessageDelivery", "false").lower()
    if raw not in ("true", "false"):
        raise invalid(f"Attributes Reason: RawMessageDelivery: Invalid value [{raw}]. Must be true or false.")
    if raw == "true" and protocol not in (QUEUES, *HTTP):
        raise invalid("Attributes", f"Delivery protocol [{protocol}] does not support raw message delivery.")


def _bad_redrive(reason: str) -> InvalidParameter:
    return invalid(f"RedrivePolicy: {reason}")
