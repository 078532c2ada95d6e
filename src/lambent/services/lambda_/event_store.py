"""The tables about asynchronous events as plain functions over a Transaction. Nothing here decides."""

import msgspec
from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.services.lambda_.store import SQL
from lambent.store.api import Transaction


class EventInvokeConfig(Struct, frozen=True, omit_defaults=True):
    """What a caller wants done with the events of a function, a version or an alias. What is None or
    "" was not said, and is AWS's default. `qualifier` is `$LATEST` for the function itself."""

    key: FunctionKey
    qualifier: str
    modified_ms: int
    max_retries: int | None = None
    max_age_s: int | None = None
    on_success: str = ""
    on_failure: str = ""


def find(tx: Transaction, key: FunctionKey, qualifier: str) -> EventInvokeConfig | None:
    """The configuration, if there is one."""
    row = tx.one(SQL.event_invoke_config, qualifier=qualifier, **_key(key))
    return None if row is None else msgspec.json.decode(row["record"], type=EventInvokeConfig)


def after(tx: Transaction, key: FunctionKey, qualifier: str, count: int) -> list[EventInvokeConfig]:
    """Up to `count` configurations of one function by qualifier, beginning above the one given."""
    rows = tx.all(SQL.event_invoke_configs_after, qualifier=qualifier, count=count, **_key(key))
    return [msgspec.json.decode(row["record"], type=EventInvokeConfig) for row in rows]


def put(tx: Transaction, config: EventInvokeConfig) -> None:
    """Add the configuration, or write over what it was."""
    record = msgspec.json.encode(config).decode()
    tx.run(SQL.put_event_invoke_config, qualifier=config.qualifier, record=record, **_key(config.key))


def delete(tx: Transaction, key: FunctionKey, qualifier: str) -> bool:
    """Forget the configuration; whether it was there."""
    return tx.run(SQL.delete_event_invoke_config, qualifier=qualifier, **_key(key)) > 0


def may_loop(tx: Transaction, key: FunctionKey) -> bool:
    """Whether recursion is allowed."""
    return tx.one(SQL.recursion_allowed, **_key(key)) is not None


def let_loop(tx: Transaction, key: FunctionKey, *, allowed: bool) -> None:
    """Allow recursion, or have it stopped."""
    tx.run(SQL.allow_recursion if allowed else SQL.stop_recursion, **_key(key))


def _key(key: FunctionKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}
