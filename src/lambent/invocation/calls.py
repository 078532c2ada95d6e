"""An invocation as the data plane has it in hand: what to run, and what is settled about where and how."""

from typing import NamedTuple

from lambent.invocation.streaming import AnswerStream
from lambent.model.function import FunctionSnapshot
from lambent.model.invocation import Invocation


class Call(NamedTuple):
    """`stream` takes an answer in pieces. `passed`: it was counted as one of the second's requests. `made_for`: it is
    another edge's, which has drawn the version with this environment key."""

    invocation: Invocation
    stream: AnswerStream | None = None
    passed: bool = True
    made_for: str = ""

    @property
    def stays(self) -> bool:
        """Whether it runs at this edge or not at all: nobody is sent on twice."""
        return bool(self.made_for)

    def version_of(self, snapshot: FunctionSnapshot, fraction: float) -> FunctionSnapshot:
        """The version of an alias that it goes to; drawn once for each, by a `fraction` from 0 to 1."""
        if snapshot.other is None:
            return snapshot
        if self.made_for in (snapshot.environment_key, snapshot.other.environment_key):
            return snapshot if self.made_for == snapshot.environment_key else snapshot.other
        return snapshot.other if fraction < snapshot.other_weight else snapshot
