"""A full node: who is next for memory, and what a function that has most of it gives up. All our own choice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import Claim, Effect, EndWhenDone, Granted
from lambent.placement.ledger import Ledger

STORM, QUIET, THIRD = (FunctionKey("000000000000", "us-east-1", name) for name in ("storm", "quiet", "third"))
WIDE = Allowance(account_limit=1_000)


class Node:
    """A ledger whose environments of the storm are always busy."""

    def __init__(self, environments: int) -> None:
        self.ledger = Ledger(128 * environments)
        self.granted: list[str] = []
        self.ending: list[str] = []

    def claim(self, name: str, function: FunctionKey = STORM, provisioned_for: str = "") -> None:
        claim = Claim(1, function, function.name, 128, provisioned_for)
        self.take(self.ledger.request(name, claim, WIDE, 0.0))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Granted):
                self.granted.append(effect.environment_id)
                self.take(self.ledger.started(effect.environment_id))
            elif isinstance(effect, EndWhenDone):
                self.ending.append(effect.environment_id)

    def end(self, name: str) -> None:
        self.take(self.ledger.retiring(name))
        self.take(self.ledger.exited(name))


def full_of_storm(environments: int = 4, waiting: int = 3) -> Node:
    node = Node(environments)
    for number in range(environments + waiting):
        node.claim(f"s{number}")
    assert len(node.granted) == environments
    return node


def test_a_storm_ends_an_environment_for_somebody_else_and_not_for_itself() -> None:
    node = full_of_storm()
    assert node.ending == []
    node.claim("q", QUIET)
    assert node.ending == ["s3"] or len(node.ending) == 1
    node.end(node.ending[0])
    assert node.granted[-1] == "q"


def test_the_one_with_the_least_memory_is_next_however_late_it_came() -> None:
    node = full_of_storm()
    node.claim("q", QUIET)
    node.end("s0")
    assert node.granted[-1] == "q"
    node.end("s1")
    assert node.granted[-1] == "s4"


def test_of_one_function_the_first_to_come_is_next() -> None:
    node = full_of_storm(waiting=3)
    for name in ("s0", "s1", "s2"):
        node.end(name)
    assert node.granted[-3:] == ["s4", "s5", "s6"]


def test_nobody_gives_up_more_than_makes_the_two_equal() -> None:
    node = full_of_storm(environments=4, waiting=0)
    for number in range(4):
        node.claim(f"q{number}", QUIET)
    for _ in range(8):
        while node.ending:
            node.end(node.ending.pop())
    assert (node.ledger.count(STORM), node.ledger.count(QUIET)) == (2, 2)


def test_provisioned_environments_are_not_ended_for_others() -> None:
    node = Node(2)
    for name in ("a", "b"):
        node.claim(name, STORM, "live")
    node.claim("q", QUIET)
    assert node.ending == []


@given(st.lists(st.sampled_from([STORM, QUIET, THIRD]), max_size=30), st.integers(1, 6))
@settings(max_examples=50)
def test_memory_is_never_overcommitted_and_everybody_is_served_in_the_end(order: list[FunctionKey], size: int) -> None:
    node = Node(size)
    done: set[str] = set()
    for number, function in enumerate(order):
        node.claim(f"{number}", function)
        assert node.ledger.usage().memory_mb <= 128 * size
    while left := [name for name in node.granted if name not in done]:
        done.add(left[0])
        node.end(left[0])
        assert node.ledger.usage().memory_mb <= 128 * size
    assert len(done) == len(order)


def claim_of(edge: int) -> Claim:
    return Claim(edge, STORM, STORM.name, 128)


def test_where_one_edge_has_every_environment_one_changes_over_to_who_waits_at_another() -> None:
    node = Node(2)
    for name, edge in (("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("b2", 2)):
        node.take(node.ledger.request(name, claim_of(edge), WIDE, 0.0))
    assert node.granted == ["a1", "a2"]
    node.take(node.ledger.hurry("a3"))
    assert node.ending == [], "its edge has something to wait for"
    node.take(node.ledger.hurry("b1"))
    node.take(node.ledger.hurry("b2"))
    assert len(node.ending) == 1, "one is enough for both"
    node.end(node.ending[0])
    assert node.granted[2:] == ["b1"], "although a3 came before it"
    node.take(node.ledger.hurry("b2"))
    assert len(node.ending) == 1


def test_one_environment_serves_two_edges_in_turn() -> None:
    node = Node(1)
    node.take(node.ledger.request("a1", claim_of(1), WIDE, 0.0))
    for turn, (name, edge) in enumerate((("b1", 2), ("a2", 1), ("b2", 2))):
        node.take(node.ledger.request(name, claim_of(edge), WIDE, 0.0))
        node.take(node.ledger.hurry(name))
        node.end(node.ending[turn])
    assert node.granted == ["a1", "b1", "a2", "b2"]


def test_what_no_longer_waits_hurries_nobody() -> None:
    node = full_of_storm(waiting=0)
    assert node.ledger.hurry("s0") == node.ledger.hurry("unknown") == []
