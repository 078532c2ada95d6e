"""The life of one execution environment on the edge's side, written as a table.

Knows: the states, the steps between them, which steps are legal. Does not know: sockets, clocks,
processes, or which function is served. `live.py` does the work and asks here before every step.

Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle" (phases
Init, Invoke, Shutdown). Splitting Invoke into READY and BUSY is our own choice.
"""

from enum import StrEnum

from lambent.errors import IllegalStep


class State(StrEnum):
    """Where an environment stands."""

    STARTING = "starting"  # the sandbox exists; the bootstrap has not said READY
    READY = "ready"  # idle, waiting for an invocation
    BUSY = "busy"  # exactly one invocation is inside
    ANSWERED = "answered"  # the caller has its answer; the runtime or an extension has not asked for more work yet
    STOPPING = "stopping"  # serves nothing any more; its owner has to close it and have it stopped
    STOPPED = "stopped"  # closed: the descriptors are gone, this object is only a record


class Step(StrEnum):
    """What can happen to an environment."""

    INITIALISED = "initialised"
    ASSIGN = "assign"
    ANSWER = "answer"
    FINISH = "finish"
    RETIRE = "retire"
    CLOSE = "close"


TRANSITIONS = {
    (State.STARTING, Step.INITIALISED): State.READY,
    (State.STARTING, Step.RETIRE): State.STOPPING,
    (State.STARTING, Step.CLOSE): State.STOPPED,
    (State.READY, Step.ASSIGN): State.BUSY,
    (State.READY, Step.RETIRE): State.STOPPING,
    (State.READY, Step.CLOSE): State.STOPPED,
    (State.BUSY, Step.FINISH): State.READY,
    (State.BUSY, Step.ANSWER): State.ANSWERED,
    (State.ANSWERED, Step.FINISH): State.READY,
    (State.ANSWERED, Step.RETIRE): State.STOPPING,
    (State.ANSWERED, Step.CLOSE): State.STOPPED,
    # After a timeout or a crash the function's code may still be running: retire, never reuse.
    (State.BUSY, Step.RETIRE): State.STOPPING,
    (State.BUSY, Step.CLOSE): State.STOPPED,
    # Several things go wrong together (the channel ends, then the agent tells of the exit).
    (State.STOPPING, Step.RETIRE): State.STOPPING,
    (State.STOPPING, Step.CLOSE): State.STOPPED,
    # `close` is idempotent.
    (State.STOPPED, Step.CLOSE): State.STOPPED,
}


def state_after(state: State, step: Step) -> State:
    """The state that follows `step`; every pair that the table lacks raises IllegalStep."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise IllegalStep(f"{step} is not possible while {state}") from None
