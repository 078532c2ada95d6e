"""The records of EventBridge."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

DEFAULT = "default"


class BusKey(Struct, frozen=True):
    """Which event bus."""

    account: str
    region: str
    name: str = DEFAULT

    @property
    def arn(self) -> str:
        return f"arn:aws:events:{self.region}:{self.account}:event-bus/{self.name}"


class Bus(Struct, frozen=True):
    """An event bus. `policy` is a JSON document, or empty."""

    key: BusKey
    description: str = ""
    policy: str = ""
    created_ms: int = 0
    modified_ms: int = 0


class Rule(Struct, frozen=True):
    """A rule. It has a pattern, a schedule or both; empty is none. `id` is the table's.

    A rate counts from `anchor_ms`: when the rule was made, or last enabled or given its schedule.
    """

    key: BusKey
    name: str
    pattern: str = ""
    schedule: str = ""
    state: str = "ENABLED"
    description: str = ""
    role_arn: str = ""
    anchor_ms: int = 0
    next_ms: int | None = None
    id: int = 0

    @property
    def arn(self) -> str:
        path = self.name if self.key.name == DEFAULT else f"{self.key.name}/{self.name}"
        return f"arn:aws:events:{self.key.region}:{self.key.account}:rule/{path}"

    @property
    def enabled(self) -> bool:
        return self.state == "ENABLED"


Target = Mapping[str, Any]
"""A target as the service model shapes it, checked by target_checks.py."""


class Event(Struct, frozen=True):
    """An event on a bus: its JSON, what that decodes to, and the facts beside it.

    `forwarded` tells that another bus sent it. `received_ms` is when it was accepted, here or there.
    """

    body: bytes
    value: Mapping[str, Any]
    received_ms: int
    trace_header: str = ""
    forwarded: bool = False
