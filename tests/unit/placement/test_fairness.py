"""A full node: who is next for memory, and what a function that has most of it gives up. All our own choice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import Claim, Effect, EndWhenDone, Granted, Guided, Refused, TakeBack
from lambent.placement.ledger import Ledger
from lambent.placement.probing import PROBE_AGAIN_S
from lambent.placement.throttle import Reason

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


def claim_of(edge: int, *, here: bool = True) -> Claim:
    return Claim(edge, STORM, STORM.name, 128, here=here)


def test_where_one_edge_has_every_environment_one_changes_over_to_who_waits_at_another() -> None:
    node = Node(2)
    for name, edge in (("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("b2", 2)):
        node.take(node.ledger.request(name, claim_of(edge), WIDE, 0.0))
    assert node.granted == ["a1", "a2"]
    node.take(node.ledger.hurry("a3", 1.0))
    assert node.ending == [], "its edge has something to wait for"
    node.take(node.ledger.hurry("b1", 1.0))
    node.take(node.ledger.hurry("b2", 1.0))
    assert len(node.ending) == 1, "one is enough for both"
    node.end(node.ending[0])
    assert node.granted[2:] == ["b1"], "although a3 came before it"
    node.take(node.ledger.hurry("b2", 1.0))
    assert len(node.ending) == 1


def test_one_environment_serves_two_edges_in_turn() -> None:
    node = Node(1)
    node.take(node.ledger.request("a1", claim_of(1), WIDE, 0.0))
    for turn, (name, edge) in enumerate((("b1", 2), ("a2", 1), ("b2", 2))):
        node.take(node.ledger.request(name, claim_of(edge), WIDE, 0.0))
        node.take(node.ledger.hurry(name, 1.0))
        node.end(node.ending[turn])
    assert node.granted == ["a1", "b1", "a2", "b2"]


def test_what_no_longer_waits_hurries_nobody() -> None:
    node = full_of_storm(waiting=0)
    assert node.ledger.hurry("s0", 1.0) == node.ledger.hurry("unknown", 1.0) == []


def test_on_a_full_node_who_can_go_is_shown_to_the_edge_that_has_environments() -> None:
    node = Node(1)
    assert node.ledger.request("b1", claim_of(2, here=False), WIDE, 0.0) == [Granted("b1")]
    way = node.ledger.request("a1", claim_of(1, here=False), WIDE, 1.0)
    assert way == [Guided("a1", 2, ask=False)], "it only starts"
    node.take(node.ledger.started("b1"))
    for name, later_s, ask in (("a2", 0.0, True), ("a3", PROBE_AGAIN_S / 2, False), ("a4", PROBE_AGAIN_S, True)):
        assert node.ledger.request(name, claim_of(1, here=False), WIDE, 1.0 + later_s) == [Guided(name, 2, ask)]
    assert node.ledger.usage().waiting == 0


def test_at_a_limit_too_and_the_edge_that_has_some_itself_is_refused() -> None:
    node, one = Node(9), Allowance(account_limit=1_000, reserved=1, reserved_total=1)
    node.take(node.ledger.request("b1", claim_of(2), one, 0.0))
    assert node.ledger.request("a1", claim_of(1, here=False), one, 1.0) == [Guided("a1", 2, ask=True)]
    assert node.ledger.request("b2", claim_of(2, here=False), one, 1.0) == [Refused("b2", Reason.RESERVED)]
    assert node.ledger.request("a2", claim_of(1), one, 1.0 + PROBE_AGAIN_S) == [TakeBack(2, "b1")]


def test_nobody_is_shown_to_what_ends_or_to_another_version() -> None:
    node = Node(1)
    node.take(node.ledger.request("b1", claim_of(2), WIDE, 0.0))
    other = Claim(1, STORM, "another version", 128)
    assert node.ledger.request("a1", other, WIDE, 1.0) == []
    assert node.ledger.expire("a1") == [Refused("a1", Reason.ACCOUNT, full=True)]
    node.take(node.ledger.retiring("b1"))
    assert node.ledger.request("a2", claim_of(1, here=False), WIDE, 1.0) == []
    assert node.ledger.exited("b1") == [Granted("a2")]


def test_who_waits_already_is_shown_the_way_when_another_edge_gets_the_memory() -> None:
    node = Node(1)
    node.take(node.ledger.request("b1", claim_of(2), WIDE, 0.0))
    node.take(node.ledger.retiring("b1"))
    for name, edge in (("b2", 2), ("a1", 1)):
        node.take(node.ledger.request(name, claim_of(edge, here=False), WIDE, 0.0))
    assert node.ledger.exited("b1") == [Granted("b2"), Guided("a1", 2, ask=False)]
    assert node.ledger.usage().waiting == 0
