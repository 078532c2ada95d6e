"""The values of the ledger: what is held, who waits, and what has to be done about it."""

from enum import StrEnum

from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.throttle import Reason


class State(StrEnum):
    """Where an environment stands, as far as control knows."""

    STARTING = "starting"  # granted; the agent has not yet said that it exists
    HELD = "held"  # an edge has it: busy, or idle without our knowing
    IDLE = "idle"  # its edge says that nobody uses it
    ASKED = "asked"  # its edge was asked to give it up
    LEAVING = "leaving"  # nobody uses it any more; its end is on the way


Place = tuple[int, str]
"""An edge, and the key of the environments that its requests could wait for."""


class Claim(Struct, frozen=True):
    """A wish for one more environment."""

    edge: int
    function: FunctionKey
    environment_key: str
    memory_mb: int
    provisioned_for: str = ""  # the version or alias whose provisioned concurrency it is for
    here: bool = False  # who waits for it cannot go to another edge

    @property
    def place(self) -> Place:
        """Where it is for."""
        return self.edge, self.environment_key

    @property
    def pinned(self) -> bool:
        """Whether it stays where it is not needed: nobody else's claim takes it away."""
        return bool(self.provisioned_for)


class Holding(Struct):
    """One environment that counts.

    `doomed`: to be stopped as soon as it has started. `probed_s`: when its edge was last asked
    for it without having called it idle. `ready`: of a pinned one, that its init phase is over.
    `recovered`: it is from before control's restart, and its edge has not confirmed it yet.
    `ending`: its edge was told to end it when it is done.
    """

    environment_id: str
    claim: Claim
    state: State = State.STARTING
    doomed: bool = False
    probed_s: float = float("-inf")
    born_s: float = 0.0
    ready: bool = False
    recovered: bool = False
    ending: bool = False


class Waiter(Struct):
    """A claim that has no answer yet, under the id that its environment will have. It came at `at_s`."""

    environment_id: str
    claim: Claim
    allowance: Allowance
    at_s: float
    probed: bool = False


class Granted(Struct, frozen=True):
    """The claim called `environment_id` now holds an environment of that id; start it."""

    environment_id: str


class Refused(Struct, frozen=True):
    """The claim called `environment_id` gets none. No reason: the platform's own fault.

    `full`: it is within the limits, but waited in vain for memory of the node.
    """

    environment_id: str
    reason: Reason | None
    full: bool = False


class Guided(Struct, frozen=True):
    """The claim called `environment_id` gets none; `edge` has some of the same key, and its requests may wait there.
    `ask`: one of them may be idle, and move."""

    environment_id: str
    edge: int
    ask: bool


class TakeBack(Struct, frozen=True):
    """Ask `edge` for `environment_id`; report the answer to `took_back`."""

    edge: int
    environment_id: str


class EndWhenDone(Struct, frozen=True):
    """Have `edge` end it when nothing runs in it any more; `retiring` and `exited` follow."""

    edge: int
    environment_id: str


class StopEnvironment(Struct, frozen=True):
    """Stop it; report its end to `exited`."""

    environment_id: str
    reason: str


Effect = Granted | Refused | Guided | TakeBack | EndWhenDone | StopEnvironment


class Usage(Struct, frozen=True):
    """What is in use, for status and metrics."""

    environments: int
    provisioned: int
    idle: int
    leaving: int
    waiting: int
    memory_mb: int
    capacity_mb: int
