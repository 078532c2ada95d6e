"""The records of Scheduler."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

DEFAULT = "default"


class GroupKey(Struct, frozen=True):
    """Which schedule group."""

    account: str
    region: str
    name: str = DEFAULT

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule-group/{self.name}"


class Group(Struct, frozen=True):
    """A schedule group. The default one is always there."""

    key: GroupKey
    created_ms: int = 0
    modified_ms: int = 0


class Plan(Struct, frozen=True):
    """What a caller said about a schedule. `window_min` is 0 for a fixed time; dates are None where not given."""

    expression: str
    target: Mapping[str, Any]
    zone: str = "UTC"
    state: str = "ENABLED"
    description: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    window_min: int = 0
    delete_after: bool = False


class Times(Struct, frozen=True):
    """Where a schedule stands. A rate counts from `anchor_ms`. `moment_ms` is the next time that the expression
    names, `due_ms` when it fires for it: the same, or somewhere in the window behind. None: never again."""

    anchor_ms: int
    moment_ms: int | None = None
    due_ms: int | None = None


class Schedule(Struct, frozen=True):
    """A schedule. `id` is the table's."""

    group: GroupKey
    name: str
    plan: Plan
    times: Times
    created_ms: int
    modified_ms: int
    id: int = 0

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.group.region}:{self.group.account}:schedule/{self.group.name}/{self.name}"
