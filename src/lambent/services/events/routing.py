"""Which deliveries an event makes: the enabled rules of each bus, compiled and kept in memory.

A bus's rules are read at its first event and again after each change; a reading that began before a
change is used for the event that asked and then forgotten, so a rule that was acknowledged is met by
the next event.
"""

from collections.abc import Iterable
from typing import NamedTuple

from lambent.delivery.api import LONGEST_AGE_S, MOST_RETRIES, DeadLetter, Delivery
from lambent.patterns.api import RuleSet, event_pattern
from lambent.services.events import store
from lambent.services.events.inputs import payload_for
from lambent.services.events.model import DEFAULT, Bus, BusKey, Event, Rule, Target
from lambent.services.events.names import is_bus_arn
from lambent.store.api import Database, Transaction

PRINCIPAL = "events.amazonaws.com"


class Routed(NamedTuple):
    """A rule with its targets."""

    rule: Rule
    targets: list[Target]


class View(NamedTuple):
    """A bus as events meet it; no bus where there is none."""

    bus: Bus | None
    rules: RuleSet[Routed]

    def deliveries(self, event: Event) -> list[Delivery]:
        """What the event makes."""
        return [each for routed in self.rules.matching(event.value) for each in deliveries_of(routed, event)]


class Router:
    """Keeps the views of the buses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._views: dict[BusKey, View] = {}
        self._changes = 0

    def changed(self, key: BusKey) -> None:
        """Told after each change to a bus, its rules or their targets, before it is acknowledged."""
        self._changes += 1
        self._views.pop(key, None)

    async def view(self, key: BusKey) -> View:
        """The bus as it is now."""
        return self._views.get(key) or await self._load(key)

    async def _load(self, key: BusKey) -> View:
        before = self._changes
        bus, found = await self._database.read(lambda tx: _read(tx, key))
        view = View(bus, RuleSet((event_pattern(routed.rule.pattern), routed) for routed in found))
        if before == self._changes and bus is not None:
            self._views[key] = view
        return view


def deliveries_of(routed: Routed, event: Event) -> Iterable[Delivery]:
    """One for each target of the rule. An event that another bus sent is not sent on to a third."""
    for target in routed.targets:
        if not (event.forwarded and is_bus_arn(target["Arn"])):
            yield _delivery(routed.rule, target, event)


def _read(tx: Transaction, key: BusKey) -> tuple[Bus | None, list[Routed]]:
    if key.name != DEFAULT and not store.has_bus(tx, key):
        return None, []
    wanted = [rule for rule in store.rules(tx, key) if rule.enabled and rule.pattern]
    return store.bus(tx, key), [Routed(rule, store.targets(tx, rule)) for rule in wanted]


def _delivery(rule: Rule, target: Target, event: Event) -> Delivery:
    policy = target.get("RetryPolicy", {})
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    facts = {"RULE_ARN": rule.arn, "TARGET_ARN": target["Arn"]}
    group = target.get("SqsParameters", {}).get("MessageGroupId", "")
    options = {"MessageGroupId": group, "TraceHeader": event.trace_header}
    return Delivery(
        account=rule.key.account,
        region=rule.key.region,
        target_arn=target["Arn"],
        payload=payload_for(target, rule, event),
        source_arn=rule.arn,
        principal=PRINCIPAL,
        accepted_ms=event.received_ms,
        role_arn=target.get("RoleArn") or rule.role_arn,
        options={name: value for name, value in options.items() if value},
        max_retries=policy.get("MaximumRetryAttempts", MOST_RETRIES),
        max_age_s=policy.get("MaximumEventAgeInSeconds", LONGEST_AGE_S),
        dead_letter=DeadLetter(queue, event.body, facts) if queue else None,
    )
