"""The life of a version, written as a table, and what each state forbids.

Knows: the steps, and AWS's words. Does not know: what the background work is, or any store.

Source: Lambda Developer Guide, "Lambda function states"; behaviours section 5. A FAILED version
whose code or configuration is updated comes to life again: our own choice, where AWS is silent.
"""

from enum import StrEnum

from lambent.errors import IllegalStep
from lambent.model.function_name import function_arn
from lambent.services.lambda_.errors import Conflict, StaleRevision
from lambent.services.lambda_.model import State, Update, Version

CREATING_REASON = "The function is being created."  # AWS says so of updates too
CREATING_CODE = "Creating"
FAILURE_CODE = "InternalError"
STATE_FORBIDS = (
    "The operation cannot be performed at this time. The function is currently in the following state: {state}"
)
UPDATE_FORBIDS = "The operation cannot be performed at this time. An update is in progress for resource: {arn}"


class Step(StrEnum):
    """What may happen to a version."""

    EDIT = "edit"  # its code or configuration was changed by a caller
    COMPLETE = "complete"  # the background work is done
    FAIL = "fail"  # it could not be done


Standing = tuple[State, Update]
TRANSITIONS: dict[tuple[Standing, Step], Standing] = {
    ((State.PENDING, Update.NONE), Step.COMPLETE): (State.ACTIVE, Update.SUCCESSFUL),
    ((State.PENDING, Update.NONE), Step.FAIL): (State.FAILED, Update.NONE),
    ((State.FAILED, Update.NONE), Step.EDIT): (State.ACTIVE, Update.IN_PROGRESS),
    ((State.ACTIVE, Update.SUCCESSFUL), Step.EDIT): (State.ACTIVE, Update.IN_PROGRESS),
    ((State.ACTIVE, Update.FAILED), Step.EDIT): (State.ACTIVE, Update.IN_PROGRESS),
    ((State.ACTIVE, Update.IN_PROGRESS), Step.COMPLETE): (State.ACTIVE, Update.SUCCESSFUL),
    ((State.ACTIVE, Update.IN_PROGRESS), Step.FAIL): (State.ACTIVE, Update.FAILED),
}


def standing_after(standing: Standing, step: Step) -> Standing:
    """What follows `step`; every pair that the table lacks raises IllegalStep."""
    try:
        return TRANSITIONS[standing, step]
    except KeyError:
        raise IllegalStep(f"{step} is not possible while {standing[0]}, {standing[1] or 'no update'}") from None


def check_editable(latest: Version, revision_id: str | None = None) -> None:
    """Whether a caller may change or publish `latest` now.

    Raises:
        Conflict: it is being created, or an update is in progress.
        StaleRevision: the caller has seen an older revision.
    """
    if latest.state is State.PENDING:
        raise Conflict(STATE_FORBIDS.format(state=latest.state.value))
    if latest.update is Update.IN_PROGRESS:
        raise Conflict(UPDATE_FORBIDS.format(arn=function_arn(latest.key)))
    if revision_id is not None and revision_id != latest.revision_id:
        raise StaleRevision


def refusal(version: Version) -> str:
    """Why `version` cannot be invoked now; "" when it can."""
    return "" if version.state is State.ACTIVE else STATE_FORBIDS.format(state=version.state.value)
