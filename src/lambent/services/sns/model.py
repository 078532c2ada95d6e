"""The nouns of SNS, frozen: a topic, a subscription, a message on its way."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from lambent.services.sns.names import TopicKey

FIRST_SEQUENCE = 10_000_000_000_000_000_000  # sequence numbers have twenty digits
FUNCTIONS, QUEUES, HTTP = "lambda", "sqs", ("http", "https")
CONTENT_DEDUPLICATION = "ContentBasedDeduplication"


class Topic(Struct, frozen=True):
    """One topic. `attributes` are those that were set; `deleted` counts subscriptions that are gone."""

    id: int
    key: TopicKey
    attributes: Mapping[str, str]
    tags: Mapping[str, str]
    deleted: int = 0

    @property
    def arn(self) -> str:
        return self.key.arn

    @property
    def signature_version(self) -> str:
        return self.attributes.get("SignatureVersion") or "1"


class Subscription(Struct, frozen=True):
    """One subscription. While it is `pending` it gets nothing, and `token` confirms it until `expires_ms`.

    `base` is the address at which its subscriber was heard: links in its messages start with it.
    `guarded` is ConfirmationWasAuthenticated with AuthenticateOnUnsubscribe: only who may sign can end it.
    """

    arn: str
    topic: TopicKey
    protocol: str
    endpoint: str
    owner: str
    principal: str
    base: str
    attributes: Mapping[str, str]
    pending: bool = False
    token: str = ""
    expires_ms: int = 0
    authenticated: bool = False
    guarded: bool = False

    @property
    def raw(self) -> bool:
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


class Attribute(NamedTuple):
    """A message attribute; the text of a Binary one is base64."""

    kind: str
    text: str


class Message(Struct, frozen=True):
    """A message that was accepted. `texts` has what certain protocols get instead of `text`."""

    id: str
    topic: TopicKey
    text: str
    sent_ms: int
    subject: str | None = None
    attributes: Mapping[str, Attribute] = {}
    texts: Mapping[str, str] = {}
    group: str = ""
    deduplication_id: str = ""
    sequence: int = 0
    trace_header: str = ""

    def text_for(self, protocol: str) -> str:
        return self.texts.get(protocol, self.text)


Given = Mapping[str, Any]
"""A request, or an entry of one."""
