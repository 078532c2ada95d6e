"""The table of event source mappings as plain functions over a Transaction. Nothing here decides."""

import msgspec
from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.model.function_name import function_arn
from lambent.pollers.api import Mapping, StreamSettings
from lambent.services.lambda_.mapping_states import AT_REST, State
from lambent.services.lambda_.store import SQL
from lambent.store.api import Transaction


class EventSourceMapping(Struct, frozen=True, omit_defaults=True):
    """A mapping as it is stored. `enabled` is what its owner wants, `state` where it stands; `revision` is
    fresh with each change. `qualifier` is "" for the function itself. `stream` is None for queues."""

    uuid: str
    source_arn: str
    function: FunctionKey
    qualifier: str
    state: State
    revision: str
    modified_ms: int
    reason: str = ""
    problem: str = ""
    enabled: bool = True
    batch_size: int = 10
    window_s: int = 0
    filters: tuple[str, ...] = ()
    reports_failures: bool = False
    most_concurrent: int | None = None
    counts_events: bool = False
    stream: StreamSettings | None = None
    tags: dict[str, str] = {}

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST

    @property
    def function_arn(self) -> str:
        return function_arn(self.function, self.qualifier)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.function.region}:{self.function.account}:event-source-mapping:{self.uuid}"

    def polled(self) -> Mapping:
        """What its poller has to know."""
        return Mapping(
            self.uuid,
            self.source_arn,
            self.function,
            self.qualifier,
            self.batch_size,
            self.window_s,
            self.filters,
            self.reports_failures,
            self.most_concurrent,
            self.counts_events,
            self.stream,
        )


def find(tx: Transaction, account: str, region: str, uuid: str) -> EventSourceMapping | None:
    """The mapping, if there is one."""
    row = tx.one(SQL.event_source_mapping, account=account, region=region, uuid=uuid)
    return None if row is None else _decode(row["record"])


def same(tx: Transaction, mapping: EventSourceMapping) -> EventSourceMapping | None:
    """Another mapping of the same source and function, if there is one."""
    rows = tx.all(SQL.event_source_mappings_of, **_key(mapping))
    found = (_decode(row["record"]) for row in rows)
    return next((other for other in found if other.uuid != mapping.uuid), None)


def put(tx: Transaction, mapping: EventSourceMapping) -> None:
    """Add the mapping, or write over what it was."""
    record = msgspec.json.encode(mapping).decode()
    tx.run(SQL.put_event_source_mapping, uuid=mapping.uuid, record=record, **_key(mapping))


def delete(tx: Transaction, mapping: EventSourceMapping) -> None:
    """Forget the mapping."""
    account, region = mapping.function.account, mapping.function.region
    tx.run(SQL.delete_event_source_mapping, account=account, region=region, uuid=mapping.uuid)


class Wanted(Struct, frozen=True):
    """Which mappings to list: "" is any."""

    source_arn: str = ""
    function_arn: str = ""


def after(
    tx: Transaction, account: str, region: str, uuid: str, wanted: Wanted, count: int
) -> list[EventSourceMapping]:
    """Up to `count` mappings by UUID, beginning above `uuid`."""
    rows = tx.all(
        SQL.event_source_mappings_after,
        account=account,
        region=region,
        uuid=uuid,
        source_arn=wanted.source_arn,
        function_arn=wanted.function_arn,
        count=count,
    )
    return [_decode(row["record"]) for row in rows]


def every(tx: Transaction) -> list[EventSourceMapping]:
    """All mappings of all accounts."""
    return [_decode(row["record"]) for row in tx.all(SQL.every_event_source_mapping)]


def _key(mapping: EventSourceMapping) -> dict[str, str]:
    key = mapping.function
    return {
        "account": key.account,
        "region": key.region,
        "source_arn": mapping.source_arn,
        "function_arn": mapping.function_arn,
    }


def _decode(record: str) -> EventSourceMapping:
    return msgspec.json.decode(record, type=EventSourceMapping)
