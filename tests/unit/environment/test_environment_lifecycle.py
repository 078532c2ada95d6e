from itertools import product

import pytest

from lambent.environment.lifecycle import TRANSITIONS, State, Step, state_after
from lambent.errors import IllegalStep


@pytest.mark.parametrize("pair", sorted(set(product(State, Step)) - set(TRANSITIONS)), ids=str)
def test_a_step_the_table_lacks_is_refused(pair: tuple[State, Step]) -> None:
    with pytest.raises(IllegalStep):
        state_after(*pair)


@pytest.mark.parametrize("pair", sorted(TRANSITIONS), ids=str)
def test_a_step_the_table_has_is_taken(pair: tuple[State, Step]) -> None:
    assert state_after(*pair) is TRANSITIONS[pair]


def test_an_environment_that_is_retired_can_only_be_closed() -> None:
    assert {TRANSITIONS[pair] for pair in TRANSITIONS if pair[0] is State.STOPPING} == {State.STOPPING, State.STOPPED}
    assert {TRANSITIONS[pair] for pair in TRANSITIONS if pair[0] is State.STOPPED} == {State.STOPPED}
