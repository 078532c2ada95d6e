"""The notification configuration of a bucket: as the API has it, and as rules. Pure.

Source: S3 API reference, PutBucketNotificationConfiguration; S3 User Guide, "Amazon S3 event notification types and
destinations" (no FIFO queues or topics) and "Configuring event notifications using object key name filtering": two
configurations may not share an event type for keys that both filters let through.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from lambent.services.s3.errors import S3Error, invalid_argument, malformed, not_implemented
from lambent.services.s3.events import EVENTS, FAMILIES, Rule, Rules

KINDS = {
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", ":lambda:"),
    "QueueConfigurations": ("QueueArn", ":sqs:"),
    "TopicConfigurations": ("TopicArn", ":sns:"),
}
TOLD = frozenset(f"s3:{name}" for name in (*EVENTS, *FAMILIES))
NEVER = (
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectRestore:",
    "s3:Replication:",
    "s3:ObjectAcl:",
    "s3:Lifecycle",
    "s3:Intell",
)
LONGEST_ID = 255


def rules_of(configuration: Mapping[str, Any], new_id: Callable[[], str]) -> Rules:
    """The rules that a configuration makes. Raises InvalidArgument, NotImplemented."""
    rules = [
        _rule(each, each[member], word, new_id)
        for kind, (member, word) in KINDS.items()
        for each in configuration.get(kind) or ()
    ]
    for one, other in combinations(rules, 2):
        if one.id == other.id:
            raise invalid_argument("Same ID used for multiple configurations. IDs must be unique", "Id", one.id)
        if _overlap(one, other):
            raise invalid_argument(
                "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            )
    return Rules(tuple(rules), configuration.get("EventBridgeConfiguration") is not None)


def configuration_of(rules: Rules) -> dict[str, Any]:
    """The rules as the API shows them."""
    shown: dict[str, Any] = {}
    for rule in rules.rules:
        kind, (member, _) = next(item for item in KINDS.items() if item[1][1] in rule.arn)
        entry: dict[str, Any] = {"Id": rule.id, member: rule.arn, "Events": list(rule.events)}
        filters = [("Prefix", rule.prefix), ("Suffix", rule.suffix)]
        if named := [{"Name": name, "Value": value} for name, value in filters if value]:
            entry["Filter"] = {"Key": {"FilterRules": named}}
        shown.setdefault(kind, []).append(entry)
    if rules.event_bridge:
        shown["EventBridgeConfiguration"] = {}
    return shown


def _rule(entry: Mapping[str, Any], arn: str, word: str, new_id: Callable[[], str]) -> Rule:
    if word not in arn:
        raise invalid_argument("The ARN could not be parsed", "ARN", arn)
    if arn.endswith(".fifo"):
        raise invalid_argument("FIFO queues and topics cannot be notified", "ARN", arn)
    events = tuple(entry["Events"])
    for event in events:
        if event.startswith(NEVER) and event not in TOLD:
            raise not_implemented(f"The event {event}")
        if event not in TOLD:
            raise invalid_argument("The event is not supported for notifications", "Event", event)
    filters: dict[str, str] = {}
    for each in (entry.get("Filter") or {}).get("Key", {}).get("FilterRules") or ():
        if "Name" not in each or "Value" not in each:
            raise malformed()
        name = each["Name"].lower()
        if name not in ("prefix", "suffix"):
            raise invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name", each["Name"])
        if name in filters:
            raise invalid_argument(
                "Cannot specify more than one prefix or suffix rule in a filter.", "FilterRule.Name", name
            )
        filters[name] = each["Value"] or ""
    rule_id = entry.get("Id") or new_id()
    if len(rule_id) > LONGEST_ID:
        raise S3Error("InvalidArgument", 400, f"An ID may have {LONGEST_ID} characters.")
    return Rule(rule_id, arn, events, **filters)


def _overlap(one: Rule, other: Rule) -> bool:
    families = {event.rpartition(":")[0] for event in other.events if event.endswith(":*")}
    common = set(one.events) & set(other.events) or any(event.rpartition(":")[0] in families for event in one.events)
    back = {event.rpartition(":")[0] for event in one.events if event.endswith(":*")}
    common = common or any(event.rpartition(":")[0] in back for event in other.events)
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    return bool(common) and prefixes and suffixes
