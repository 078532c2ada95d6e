"""The table of states, walked whole. Source: Lambda Developer Guide, "Lambda function states"."""

from itertools import product

import pytest

from lambent.errors import IllegalStep
from lambent.services.lambda_.model import State, Update
from lambent.services.lambda_.states import TRANSITIONS, Step, standing_after

EVERY = set(product(product(State, Update), Step))


@pytest.mark.parametrize("pair", sorted(EVERY - set(TRANSITIONS)), ids=str)
def test_a_step_the_table_lacks_is_refused(pair: tuple[tuple[State, Update], Step]) -> None:
    with pytest.raises(IllegalStep):
        standing_after(*pair)


def test_whatever_is_unsettled_can_come_to_rest() -> None:
    unsettled = [after for after in TRANSITIONS.values() if after[1] is Update.IN_PROGRESS]
    for standing in [(State.PENDING, Update.NONE), *unsettled]:
        for step in (Step.COMPLETE, Step.FAIL):
            state, update = standing_after(standing, step)
            assert state is not State.PENDING
            assert update is not Update.IN_PROGRESS
