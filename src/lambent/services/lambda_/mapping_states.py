"""The life of an event source mapping, written as a table.

Knows: the steps between AWS's states. Does not know: pollers, or any store.

Source: Lambda service model (EventSourceMappingConfiguration, State; ResourceInUseException); behaviours section 21.
What is on its way from one state to the next is in use: no other change is taken meanwhile.
"""

from enum import StrEnum

from lambent.services.lambda_.errors import InUse


class State(StrEnum):
    """Where a mapping stands; DELETED, which is not AWS's, is gone."""

    CREATING = "Creating"
    ENABLING = "Enabling"
    ENABLED = "Enabled"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    UPDATING = "Updating"
    DELETING = "Deleting"
    DELETED = ""


class Step(StrEnum):
    """What may happen to a mapping: four things that a caller does, and three that follow."""

    ENABLE = "enable"
    DISABLE = "disable"
    EDIT = "edit"
    DELETE = "delete"
    STARTED = "started"  # its poller serves it as it is now
    STOPPED = "stopped"  # no poller serves it
    FAIL = "fail"  # its poller gave up


TRANSITIONS = {
    (State.ENABLED, Step.DISABLE): State.DISABLING,
    (State.ENABLED, Step.EDIT): State.UPDATING,
    (State.ENABLED, Step.DELETE): State.DELETING,
    (State.ENABLED, Step.FAIL): State.DISABLED,
    (State.DISABLED, Step.ENABLE): State.ENABLING,
    (State.DISABLED, Step.EDIT): State.UPDATING,
    (State.DISABLED, Step.DELETE): State.DELETING,
    (State.CREATING, Step.STARTED): State.ENABLED,
    (State.CREATING, Step.STOPPED): State.DISABLED,
    (State.ENABLING, Step.STARTED): State.ENABLED,
    (State.DISABLING, Step.STOPPED): State.DISABLED,
    (State.UPDATING, Step.STARTED): State.ENABLED,
    (State.UPDATING, Step.STOPPED): State.DISABLED,
    (State.DELETING, Step.STOPPED): State.DELETED,
}
AT_REST = frozenset({State.ENABLED, State.DISABLED})


def state_after(state: State, step: Step) -> State:
    """The state that follows `step`; every pair that the table lacks raises InUse."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise InUse("Cannot update the event source mapping because it is in use.") from None
