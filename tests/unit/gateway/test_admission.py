"""Who may call Invoke. Source: IAM User Guide, "Policy evaluation logic" (own account) and "Cross-account policy
evaluation logic"."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from lambent.errors import AccessDenied, ServiceError
from lambent.gateway.admission import Admission
from lambent.gateway.permits import Permits
from lambent.model.function import FunctionKey, FunctionSnapshot
from lambent.model.invocation import Invocation
from lambent.model.messages import InvokeQuery
from lambent.model.principal import Principal

OWN = Principal("000000000000", "arn:aws:iam::000000000000:root", "0")
STRANGER = Principal("111111111111", "arn:aws:sts::111111111111:assumed-role/r/s", "1")
KEY = FunctionKey("000000000000", "us-east-1", "f")
CALL = Invocation("id", KEY, "live", b"{}", "")


@dataclass
class Lab:
    """A function, and what control says of its policy."""

    guarded: bool | None = None  # None: it is not known here yet
    allowed: bool = False
    exists: bool = True
    asked: list[InvokeQuery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.permits = Permits(self._ask)
        self.admission = Admission(lambda *_: self._snapshot(), self._fetch, self.permits)

    def _snapshot(self) -> FunctionSnapshot | None:
        if self.guarded is None:
            return None
        snapshot: Any = type("Snapshot", (), {"guarded": self.guarded})
        return cast("FunctionSnapshot", snapshot)

    async def _fetch(self, *_: Any) -> FunctionSnapshot:
        if not self.exists:
            raise ServiceError("Function not found")
        self.guarded = bool(self.guarded)
        return cast("FunctionSnapshot", self._snapshot())

    async def _ask(self, query: InvokeQuery) -> bool:
        self.asked.append(query)
        return self.allowed


def test_a_caller_of_the_own_account_is_let_in_at_once() -> None:
    assert Lab(guarded=False).admission.settled(OWN, CALL)


@pytest.mark.parametrize(("caller", "guarded"), [(OWN, None), (OWN, True), (STRANGER, None), (STRANGER, False)])
def test_all_others_wait_for_a_judgement(caller: Principal, guarded: bool | None) -> None:
    assert not Lab(guarded=guarded).admission.settled(caller, CALL)


async def test_a_function_that_is_not_known_yet_is_looked_up_and_its_policy_is_not_asked() -> None:
    lab = Lab()
    await lab.admission.check(OWN, CALL)
    assert lab.asked == []


@pytest.mark.parametrize(
    ("caller", "guarded", "why"),
    [
        (OWN, True, "with an explicit deny in a resource-based policy"),
        (STRANGER, False, "because no resource-based policy allows the lambda:InvokeFunction action"),
    ],
)
async def test_whom_the_policy_keeps_out_is_told_so(caller: Principal, guarded: bool, why: str) -> None:
    lab = Lab(guarded=guarded)
    with pytest.raises(AccessDenied) as caught:
        await lab.admission.check(caller, CALL)
    assert caught.value.message == (
        f"User: {caller.arn} is not authorized to perform: lambda:InvokeFunction on resource: "
        f"arn:aws:lambda:us-east-1:000000000000:function:f:live {why}"
    )


async def test_a_stranger_is_not_told_which_functions_there_are() -> None:
    with pytest.raises(AccessDenied):
        await Lab(exists=False).admission.check(STRANGER, CALL)


async def test_a_judgement_is_kept_until_the_function_changes() -> None:
    lab = Lab(allowed=True)
    for _ in range(2):
        await lab.admission.check(STRANGER, CALL)
    assert lab.asked == [InvokeQuery(KEY, "live", caller=STRANGER)]
    lab.permits.forget([KEY])
    lab.allowed = False
    with pytest.raises(AccessDenied):
        await lab.admission.check(STRANGER, CALL)
