"""What is told of a change, and to whom. Pure.

Sources: S3 User Guide, "Event message structure" (version 2.1, and 2.3 of kinds that came later), "Amazon S3 event
notification types and destinations", "Using EventBridge" (its example events and the table of reasons). That changes of
tags have no sequencer, the eTag of a marker and the subject for topics: messages of the service. The form of the
sequencer is ours: compared as text, the later event of a key has the greater one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from msgspec import Struct, json

from lambent.delivery.api import Delivery
from lambent.services.s3.model import NULL, Bucket, Version, owner_id

PRINCIPAL = "s3.amazonaws.com"
SUBJECT = "Amazon S3 Notification"
VERSION, LATER_VERSION, LATER = "2.1", "2.3", frozenset({"ObjectTagging", "LifecycleExpiration"})
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
    "LifecycleExpiration:Delete": "Lifecycle Expiration",
    "LifecycleExpiration:DeleteMarkerCreated": "Lifecycle Expiration",
}
DETAIL_TYPES = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
}
EVENTS = (*REASONS, "ObjectTagging:Put", "ObjectTagging:Delete")
FAMILIES = tuple(dict.fromkeys(f"{event.partition(':')[0]}:*" for event in EVENTS))


class Rule(Struct, frozen=True):
    """Who is told of which events, for keys that begin and end so."""

    id: str
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    def meets(self, event: str, key: str) -> bool:
        """Whether it is told of `event`, given without its `s3:`."""
        family = event.partition(":")[0] + ":*"
        wanted = f"s3:{event}" in self.events or f"s3:{family}" in self.events
        return wanted and key.startswith(self.prefix) and key.endswith(self.suffix)


class Rules(Struct, frozen=True):
    """The notification configuration of a bucket."""

    rules: tuple[Rule, ...] = ()
    event_bridge: bool = False


class Happened(Struct, frozen=True):
    """A change of an object: who, from where, in which request of which trace. The trace goes on to whoever is told, so
    that a function that writes where it hears from is found out."""

    event: str
    version: Version
    request_id: str
    source_ip: str
    user_id: str
    at_ms: int = 0
    trace_header: str = ""

    @property
    def sequencer(self) -> str:
        """Orders the events of one key."""
        return f"{self.at_ms:012X}{self.version.id:010X}{int(not self.event.startswith('ObjectCreated'))}"


def deliveries_of(bucket: Bucket, rules: Rules, what: Happened, event_id: str) -> Iterator[Delivery]:
    """One for each rule that is met, and one for EventBridge."""
    for rule in rules.rules:
        if rule.meets(what.event, what.version.key):
            payload = json.encode({"Records": [record(bucket, rule, what)]})
            yield delivery(bucket, rule.arn, payload, what.at_ms, what.trace_header)
    if rules.event_bridge:
        bus = f"arn:aws:events:{bucket.region}:{bucket.account}:event-bus/default"
        yield delivery(bucket, bus, json.encode(bus_event(bucket, what, event_id)), what.at_ms)


def delivery(bucket: Bucket, target_arn: str, payload: bytes, at_ms: int, trace_header: str = "") -> Delivery:
    """Something for a target, on behalf of the bucket."""
    options = {"Subject": SUBJECT} if ":sns:" in target_arn else {}
    if trace_header:
        options["TraceHeader"] = trace_header
    return Delivery(
        account=bucket.account,
        region=bucket.region,
        target_arn=target_arn,
        payload=payload,
        source_arn=bucket.arn,
        principal=PRINCIPAL,
        accepted_ms=at_ms,
        options=options,
    )


def record(bucket: Bucket, rule: Rule, what: Happened) -> dict[str, Any]:
    """One of the Records of the message."""
    version, family = what.version, what.event.partition(":")[0]
    shown: dict[str, Any] = {"key": quote_plus(version.key, safe="/")}
    if family == "ObjectCreated":
        shown |= {"size": version.bytes, "eTag": version.etag}
    elif family == "ObjectTagging":
        shown["eTag"] = version.etag
    elif version.marker and version.version != NULL:
        shown["eTag"] = EMPTY_MD5
    if version.version not in ("", NULL):
        shown["versionId"] = version.version
    if family != "ObjectTagging":
        shown["sequencer"] = what.sequencer
    owner = {"principalId": owner_id(bucket.account)[:14].upper()}
    return {
        "eventVersion": LATER_VERSION if family in LATER else VERSION,
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": _iso_millis(what.at_ms),
        "eventName": what.event,
        "userIdentity": {"principalId": what.user_id if what.user_id == PRINCIPAL else f"AWS:{what.user_id}"},
        "requestParameters": {"sourceIPAddress": what.source_ip},
        "responseElements": {"x-amz-request-id": what.request_id, "x-amz-id-2": what.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule.id,
            "bucket": {"name": bucket.name, "ownerIdentity": owner, "arn": bucket.arn},
            "object": shown,
        },
    }


def bus_event(bucket: Bucket, what: Happened, event_id: str) -> dict[str, Any]:
    """The event that a bus gets."""
    version, (family, _, kind) = what.version, what.event.partition(":")
    shown: dict[str, Any] = {"key": version.key}
    if family == "ObjectCreated":
        shown |= {"size": version.bytes, "etag": version.etag}
    elif family == "ObjectTagging":
        shown["etag"] = version.etag
    if version.version not in ("", NULL):
        shown["version-id"] = version.version
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {**shown, "sequencer": what.sequencer},
        "request-id": what.request_id,
        "requester": PRINCIPAL if what.user_id == PRINCIPAL else bucket.account,
        "source-ip-address": what.source_ip,
    }
    if what.event in REASONS:
        detail["reason"] = REASONS[what.event]
    if family in ("ObjectRemoved", "LifecycleExpiration"):
        detail["deletion-type"] = "Delete Marker Created" if kind == "DeleteMarkerCreated" else "Permanently Deleted"
    return {
        "version": "0",
        "id": event_id,
        "detail-type": DETAIL_TYPES.get(what.event) or DETAIL_TYPES[family],
        "source": "aws.s3",
        "account": bucket.account,
        "time": datetime.fromtimestamp(what.at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region,
        "resources": [bucket.arn],
        "detail": detail,
    }


def trial_event(bucket: Bucket, request_id: str, at_ms: int) -> bytes:
    """What a destination gets when it is configured."""
    return json.encode(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": _iso_millis(at_ms),
            "Bucket": bucket.name,
            "RequestId": request_id,
            "HostId": request_id,
        }
    )


def _iso_millis(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
