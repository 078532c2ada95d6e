"""The nouns of DynamoDB, frozen: a table and what it is made of.

A table and each of its indexes have a *space*: a number under which their items lie in the database.
"""

import msgspec
from msgspec import Struct

from lambent.services.dynamodb.names import TableKey

PROVISIONED, ON_DEMAND = "PROVISIONED", "PAY_PER_REQUEST"
ACTIVE, CREATING = "ACTIVE", "CREATING"


class KeyAttribute(Struct, frozen=True):
    """A key attribute: its name, and its type S, N or B."""

    name: str
    kind: str


class KeySchema(Struct, frozen=True):
    """The partition key, and the sort key where there is one."""

    partition: KeyAttribute
    sort: KeyAttribute | None = None

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.attributes)


class Throughput(Struct, frozen=True):
    """Units a second: provisioned, or the most that on-demand mode may use. 0 is no limit."""

    read: int = 0
    write: int = 0


class Index(Struct, frozen=True):
    """A secondary index. `included` are the attributes that an INCLUDE projection names."""

    name: str
    space: int
    schema: KeySchema
    local: bool
    projection: str
    included: tuple[str, ...] = ()
    throughput: Throughput = Throughput()
    status: str = ACTIVE


class Stream(Struct, frozen=True):
    """The stream of a table, as it is now switched on. `shard` takes the records; `label` is its name."""

    id: int
    label: str
    view: str
    shard: int
    shard_since_ms: int
    enabled: bool = True


class Ttl(Struct, frozen=True):
    """Items expire at the time that this attribute holds. `space` has the list of expiries; `covered`: of all items."""

    attribute: str
    space: int
    covered: bool = False


class Table(Struct, frozen=True):
    """One table."""

    id: str
    key: TableKey
    space: int
    schema: KeySchema
    created_ms: int
    billing: str = PROVISIONED
    throughput: Throughput = Throughput()
    capacity_changed_ms: int = 0
    indexes: tuple[Index, ...] = ()
    stream: Stream | None = None
    ttl: Ttl | None = None
    tags: dict[str, str] = {}
    protected: bool = False

    @property
    def arn(self) -> str:
        return self.key.arn

    @property
    def spaces(self) -> tuple[int, ...]:
        """All that are its own."""
        expiries = (self.ttl.space,) if self.ttl is not None else ()
        return (self.space, *(index.space for index in self.indexes), *expiries)

    def index(self, name: str) -> Index | None:
        """The index of that name."""
        return next((index for index in self.indexes if index.name == name), None)

    def stream_arn(self, stream: Stream) -> str:
        return f"{self.arn}/stream/{stream.label}"


encode_table = msgspec.msgpack.Encoder().encode
decode_table = msgspec.msgpack.Decoder(Table).decode
