"""What subscribers get: the JSON around a message, and the event that functions see. Pure, but for the signature.

Sources: SNS Developer Guide, "Parsing Amazon SNS message formats"; Lambda Developer Guide, "Invoking Lambda functions
with Amazon SNS notifications". Messages of FIFO topics carry their SequenceNumber and no signature, as recorded
answers show.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import json

from lambent.services.sns.model import Message, Subscription, Topic
from lambent.services.sns.signing import Signer

NOTIFICATION, CONFIRMATION, ENDED = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"


def iso(moment_ms: int) -> str:
    """`2026-01-31T23:59:59.123Z`."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment_ms % 1000:03d}Z"


class Sealed:
    """A message for all subscriptions of a topic; signed once for each text that protocols get."""

    def __init__(self, topic: Topic, message: Message, signer: Signer) -> None:
        self._topic, self._message, self._signer = topic, message, signer
        self._signatures: dict[str, str] = {}

    def payload(self, to: Subscription) -> bytes:
        """What that subscription gets."""
        text = self._message.text_for(to.protocol)
        if to.raw:
            return text.encode()
        if to.protocol == "lambda":
            return json.encode({"Records": [self._record(to, text)]})
        return json.encode(self._envelope(to, text))

    def _envelope(self, to: Subscription, text: str) -> dict[str, Any]:
        message = self._message
        members: dict[str, Any] = {"Type": NOTIFICATION, "MessageId": message.id}
        if message.sequence:
            members["SequenceNumber"] = str(message.sequence)
        members["TopicArn"] = message.topic.arn
        if message.subject is not None:
            members["Subject"] = message.subject
        members |= {"Message": text, "Timestamp": iso(message.sent_ms)}
        if not message.sequence:
            members |= {
                "SignatureVersion": self._topic.signature_version,
                "Signature": self._signature(members, text),
                "SigningCertURL": to.base + self._signer.path,
            }
        members["UnsubscribeURL"] = unsubscribe_url(to)
        if message.attributes:
            members["MessageAttributes"] = self._attributes()
        return members

    def _record(self, to: Subscription, text: str) -> dict[str, Any]:
        message = self._message
        signed = {
            "Type": NOTIFICATION,
            "MessageId": message.id,
            "TopicArn": message.topic.arn,
            "Message": text,
            "Timestamp": iso(message.sent_ms),
        }
        signed |= {} if message.subject is None else {"Subject": message.subject}
        notification = {
            "SignatureVersion": self._topic.signature_version,
            "Timestamp": signed["Timestamp"],
            "Signature": self._signature(signed, text),
            "SigningCertUrl": to.base + self._signer.path,
            "MessageId": message.id,
            "Message": text,
            "MessageAttributes": self._attributes(),
            "Type": NOTIFICATION,
            "UnsubscribeUrl": unsubscribe_url(to),
            "TopicArn": message.topic.arn,
            "Subject": message.subject,
        }
        return {
            "EventVersion": "1.0",
            "EventSubscriptionArn": to.arn,
            "EventSource": "aws:sns",
            "Sns": notification,
        }

    def _attributes(self) -> dict[str, dict[str, str]]:
        return {name: {"Type": each.kind, "Value": each.text} for name, each in self._message.attributes.items()}

    def _signature(self, members: dict[str, Any], text: str) -> str:
        if text not in self._signatures:
            self._signatures[text] = self._signer.sign(members, self._topic.signature_version)
        return self._signatures[text]


def confirmation(topic: Topic, to: Subscription, signer: Signer, message: Message, kind: str = CONFIRMATION) -> bytes:
    """What an endpoint gets that has to confirm its subscription, or may take back that it was ended."""
    query = {"Action": "ConfirmSubscription", "TopicArn": topic.arn, "Token": to.token}
    members = {
        "Type": kind,
        "MessageId": message.id,
        "Token": to.token,
        "TopicArn": topic.arn,
        "Message": message.text,
        "SubscribeURL": f"{to.base}/?{urlencode(query)}",
        "Timestamp": iso(message.sent_ms),
        "SignatureVersion": topic.signature_version,
    }
    signature = signer.sign(members, topic.signature_version)
    return json.encode(members | {"Signature": signature, "SigningCertURL": to.base + signer.path})


def unsubscribe_url(to: Subscription) -> str:
    """The link that ends a subscription."""
    return f"{to.base}/?" + urlencode({"Action": "Unsubscribe", "SubscriptionArn": to.arn})
