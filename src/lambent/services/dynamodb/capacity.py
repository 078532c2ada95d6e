"""Capacity units: what an operation uses, how it is shown, and the limits of provisioned tables.

A provisioned table or index may save up 300 seconds of its units; one that has spent them is throttled until time has
brought new ones. An operation is let in while anything is left, and its cost is known afterwards, so the account may
go below zero.

Source: DynamoDB Developer Guide, "Read consistency", "DynamoDB read and write operations", "Burst and adaptive
capacity".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from lambent.clock import Clock
from lambent.services.dynamodb.errors import ThroughputExceeded
from lambent.services.dynamodb.model import PROVISIONED, Table, Throughput

READ_BYTES, WRITE_BYTES = 4096, 1024
BURST_S = 300


def read_units(size: int, consistent: bool) -> float:
    """Units of reading so many bytes at once; at least those of one block."""
    units = max(1, -(-size // READ_BYTES))
    return float(units) if consistent else units / 2


def write_units(size: int) -> float:
    """Units of one write."""
    return float(max(1, -(-size // WRITE_BYTES)))


class Used(Struct):
    """Units that a request used in one table. Read and write are told apart only by transactions and by the limits."""

    table: Table
    read: float = 0.0
    write: float = 0.0
    index_read: dict[str, float] = {}
    index_write: dict[str, float] = {}

    def add_write(self, size: int, index_bytes: Mapping[str, Iterable[int]], factor: int = 1) -> None:
        """A write of one item and of its index entries."""
        self.write += factor * write_units(size)
        for name, sizes in index_bytes.items():
            self.index_write[name] = self.index_write.get(name, 0.0) + factor * sum(map(write_units, sizes))

    def add_read(self, units: float, index: str | None = None) -> None:
        """A read of the table or of an index."""
        if index is None:
            self.read += units
        else:
            self.index_read[index] = self.index_read.get(index, 0.0) + units

    def shown(self, how: str, *, transaction: bool = False) -> dict[str, Any]:
        """ConsumedCapacity, for ReturnConsumedCapacity TOTAL or INDEXES."""
        read = self.read + sum(self.index_read.values())
        write = self.write + sum(self.index_write.values())
        answer: dict[str, Any] = {"TableName": self.table.key.name, "CapacityUnits": read + write}
        if transaction:
            answer |= {"ReadCapacityUnits": read} if read else {}
            answer |= {"WriteCapacityUnits": write} if write else {}
        if how == "INDEXES":
            answer["Table"] = _units(self.read, self.write, transaction)
            for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
                units = self._of_indexes(local, transaction)
                answer |= {member: units} if units else {}
        return answer

    def _of_indexes(self, local: bool, transaction: bool) -> dict[str, Any]:
        names = [index.name for index in self.table.indexes if index.local is local]
        return {
            name: _units(self.index_read.get(name, 0.0), self.index_write.get(name, 0.0), transaction)
            for name in names
            if name in self.index_read or name in self.index_write
        }


def _units(read: float, write: float, transaction: bool) -> dict[str, float]:
    answer = {"CapacityUnits": read + write}
    if transaction:
        answer |= {"ReadCapacityUnits": read} if read else {}
        answer |= {"WriteCapacityUnits": write} if write else {}
    return answer


class Account:
    """The saved-up units of one table or index, of one kind."""

    __slots__ = ("_at_s", "_left", "_per_s")

    def __init__(self, per_s: int, now_s: float) -> None:
        self._per_s, self._left, self._at_s = per_s, float(per_s * BURST_S), now_s

    def left(self, now_s: float) -> float:
        """How many units there are now."""
        self._left = min(self._left + (now_s - self._at_s) * self._per_s, float(self._per_s * BURST_S))
        self._at_s = now_s
        return self._left

    def take(self, units: float) -> None:
        self._left -= units


class Meter:
    """The limits of one table and its indexes. Made anew when they change."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._clock, now_s = clock, clock.monotonic_s()
        limits: dict[str | None, Throughput] = {None: table.throughput}
        limits |= {index.name: index.throughput for index in table.indexes if not index.local}
        self._read = {name: Account(limit.read, now_s) for name, limit in limits.items() if limit.read}
        self._write = {name: Account(limit.write, now_s) for name, limit in limits.items() if limit.write}
        self._local = {index.name for index in table.indexes if index.local}
        self._provisioned = table.billing == PROVISIONED
        self._idle = not self._read and not self._write

    def admit(self, *, write: bool, index: str | None = None) -> None:
        """Raises ThroughputExceeded when nothing is left; a write needs something left in every index."""
        if self._idle:
            return
        accounts, now_s = (self._write if write else self._read), self._clock.monotonic_s()
        names = list(accounts) if write else [None if index in self._local else index]
        if any(name in accounts and accounts[name].left(now_s) <= 0 for name in names):
            raise ThroughputExceeded(
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
                "provisioning level with the UpdateTable API."
                if self._provisioned
                else "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
            )

    def take(self, used: Used) -> None:
        """Book what was used."""
        if self._idle:
            return
        self._book(self._read, used.read, used.index_read)
        self._book(self._write, used.write, used.index_write)

    def _book(self, accounts: dict[str | None, Account], own: float, of_indexes: Mapping[str, float]) -> None:
        units: dict[str | None, float] = {
            None: own + sum(of_indexes[name] for name in of_indexes if name in self._local)
        }
        units |= {name: each for name, each in of_indexes.items() if name not in self._local}
        for name, each in units.items():
            if name in accounts:
                accounts[name].take(each)
