"""The tables of EventBridge, over a Transaction; the only module that knows its SQL."""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from lambent.delivery.due import Found
from lambent.services.events.errors import no_bus, no_rule
from lambent.services.events.model import DEFAULT, Bus, BusKey, Rule, Target
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.events"
SQL = load_queries(PACKAGE)


def bus(tx: Transaction, key: BusKey) -> Bus:
    """The bus; the default one is always there. Raises NotFound."""
    row = tx.one(SQL.bus, account=key.account, region=key.region, name=key.name)
    if row is not None:
        return _bus(row)
    if key.name != DEFAULT:
        raise no_bus(key.name)
    return Bus(key)


def has_bus(tx: Transaction, key: BusKey) -> bool:
    """Whether a bus of that name was made."""
    return tx.one(SQL.bus, account=key.account, region=key.region, name=key.name) is not None


def buses(tx: Transaction, account: str, region: str) -> list[Bus]:
    """Every bus, by name."""
    found = {row["name"]: _bus(row) for row in tx.all(SQL.buses, account=account, region=region)}
    found.setdefault(DEFAULT, Bus(BusKey(account, region)))
    return [found[name] for name in sorted(found)]


def set_bus(tx: Transaction, wanted: Bus) -> None:
    """Make the bus, or change it."""
    tx.run(
        SQL.set_bus,
        **_place(wanted.key),
        name=wanted.key.name,
        description=wanted.description,
        policy=wanted.policy,
        created_ms=wanted.created_ms,
        modified_ms=wanted.modified_ms,
    )


def delete_bus(tx: Transaction, key: BusKey) -> None:
    """Remove the bus, which has no rules, with its tags."""
    tx.run(SQL.delete_bus, **_place(key), name=key.name)
    tx.run(SQL.delete_tags, arn=key.arn)


def find_rule(tx: Transaction, key: BusKey, name: str) -> Rule | None:
    """The rule, if there is one."""
    row = tx.one(SQL.rule, **_place(key), bus=key.name, name=name)
    return None if row is None else _rule(row)


def rule(tx: Transaction, key: BusKey, name: str) -> Rule:
    """The rule. Raises NotFound, also for its bus."""
    bus(tx, key)
    found = find_rule(tx, key, name)
    if found is None:
        raise no_rule(name, key.name)
    return found


def rules(tx: Transaction, key: BusKey) -> list[Rule]:
    """The rules of a bus, by name."""
    return [_rule(row) for row in tx.all(SQL.rules, **_place(key), bus=key.name)]


def set_rule(tx: Transaction, wanted: Rule) -> None:
    """Make the rule, or change it."""
    columns = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if name not in ("key", "id")}
    tx.run(SQL.set_rule, **_place(wanted.key), bus=wanted.key.name, **columns)


def delete_rule(tx: Transaction, gone: Rule) -> None:
    """Remove the rule and its tags."""
    tx.run(SQL.delete_rule, id=gone.id)
    tx.run(SQL.delete_tags, arn=gone.arn)


def due_rules(tx: Transaction, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Rule]:
    """Scheduled rules that fire now, longest due first."""
    rows = tx.all(SQL.due_rules, now_ms=now_ms, count=count + len(claimed))
    following = tx.one(SQL.next_due_rule, now_ms=now_ms)
    free = [_rule(row) for row in rows if row["id"] not in claimed][:count]
    return Found(free, None if following is None else following["next_ms"])


def set_next(tx: Transaction, fired: Rule, next_ms: int | None) -> None:
    """The rule has fired; a rule that was changed meanwhile keeps its new time."""
    tx.run(SQL.set_next, id=fired.id, was_ms=fired.next_ms, next_ms=next_ms)


def set_target(tx: Transaction, of: Rule, target: Target) -> None:
    """Add the target, or change it."""
    body = json.encode(target).decode()
    tx.run(SQL.set_target, rule_id=of.id, target_id=target["Id"], arn=target["Arn"], body=body)


def delete_target(tx: Transaction, of: Rule, target_id: str) -> bool:
    """Remove the target; whether it was there."""
    return tx.run(SQL.delete_target, rule_id=of.id, target_id=target_id) > 0


def targets(tx: Transaction, of: Rule) -> list[Target]:
    """The targets of a rule, by id."""
    return [json.decode(row["body"]) for row in tx.all(SQL.targets, rule_id=of.id)]


def rules_with_target(tx: Transaction, key: BusKey, arn: str) -> list[str]:
    """The names of the rules that send to `arn`."""
    return [row["name"] for row in tx.all(SQL.rules_with_target, **_place(key), bus=key.name, arn=arn)]


def set_tags(tx: Transaction, arn: str, tags: Mapping[str, str]) -> int:
    """Set `tags` beside those that are there; how many there are then."""
    tx.run_many(SQL.set_tag, [{"arn": arn, "tag_key": k, "tag_value": v} for k, v in tags.items()])
    return len(tx.all(SQL.tags, arn=arn))


def _bus(row: Row) -> Bus:
    key = BusKey(row["account"], row["region"], row["name"])
    return Bus(key, row["description"], row["policy"], row["created_ms"], row["modified_ms"])


def _rule(row: Row) -> Rule:
    key = BusKey(row["account"], row["region"], row["bus"])
    columns = {name: row[name] for name in Rule.__struct_fields__ if name != "key"}
    return Rule(key, **columns)


def _place(key: BusKey) -> dict[str, Any]:
    return {"account": key.account, "region": key.region}
