"""The ledger's decisions, one by one.

AWS facts: Lambda Developer Guide, "Understanding Lambda function scaling" (reserved concurrency is
both a ceiling and carved out of the account's pool; 0 stops a function) and the model's ThrottleReason.
"""

import itertools

import pytest

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import (
    Claim,
    Effect,
    EndWhenDone,
    Granted,
    Holding,
    Refused,
    State,
    StopEnvironment,
    TakeBack,
)
from lambent.placement.ledger import PROBES_PER_CLAIM
from lambent.placement.ledger import Ledger as RealLedger
from lambent.placement.probing import PROBE_AGAIN_S
from lambent.placement.throttle import Reason

A, B, C = (FunctionKey("000000000000", "us-east-1", name) for name in "abc")
WIDE = Allowance(account_limit=1_000)


def claim(function: FunctionKey = A, edge: int = 1, key: str = "", memory_mb: int = 128, pinned: bool = False) -> Claim:
    return Claim(edge, function, key or f"key of {function.name}", memory_mb, "1" if pinned else "", here=True)


class Ledger(RealLedger):
    """A ledger at a standstill of time, but for tests that say otherwise."""

    def request(self, environment_id: str, claim: Claim, allowance: Allowance, now_s: float = 0.0) -> list[Effect]:
        return super().request(environment_id, claim, allowance, now_s)


def granted(ledger: Ledger, name: str, wish: Claim, allowance: Allowance = WIDE) -> None:
    assert ledger.request(name, wish, allowance) == [Granted(name)]
    assert ledger.started(name) == []


def test_an_environment_is_granted_while_every_limit_has_room() -> None:
    ledger = Ledger(1_000)
    granted(ledger, "1", claim())
    assert ledger.usage().memory_mb == 128
    assert ledger.count(A) == 1


def test_a_reservation_of_zero_refuses_at_once_with_the_functions_reason() -> None:
    assert Ledger(1_000).request("1", claim(), Allowance(1_000, reserved=0)) == [Refused("1", Reason.RESERVED)]


def test_a_reservation_is_a_ceiling() -> None:
    ledger, allowance = Ledger(1_000), Allowance(1_000, reserved=2, reserved_total=2)
    granted(ledger, "1", claim(), allowance)
    granted(ledger, "2", claim(), allowance)
    assert ledger.request("3", claim(), allowance) == [Refused("3", Reason.RESERVED)]


def test_functions_without_a_reservation_share_what_the_account_has_left() -> None:
    ledger = Ledger(10_000)
    rest = Allowance(5, reserved=None, reserved_total=3)
    granted(ledger, "1", claim(A), Allowance(5, reserved=3, reserved_total=3))
    granted(ledger, "2", claim(B), rest)
    granted(ledger, "3", claim(C), rest)
    assert ledger.request("4", claim(B), rest) == [TakeBack(1, "3")]
    assert ledger.took_back("3", False) == [Refused("4", Reason.ACCOUNT)]


def test_another_account_or_region_has_its_own_pool() -> None:
    ledger, one = Ledger(10_000), Allowance(1)
    granted(ledger, "1", claim(A), one)
    granted(ledger, "2", claim(FunctionKey("111111111111", "us-east-1", "a")), one)
    granted(ledger, "3", claim(FunctionKey("000000000000", "eu-west-1", "a")), one)


def test_at_the_limit_the_least_recently_used_idle_environment_is_taken_back_first() -> None:
    ledger, two = Ledger(10_000), Allowance(2)
    granted(ledger, "1", claim(A), two)
    granted(ledger, "2", claim(B), two)
    ledger.idle("2")
    ledger.idle("1")
    assert ledger.request("3", claim(C), two) == [TakeBack(1, "2")]
    assert ledger.took_back("2", True) == [StopEnvironment("2", "taken back")]
    assert ledger.exited("2") == [Granted("3")]


def test_an_environment_that_was_leased_again_is_not_idle() -> None:
    ledger, one = Ledger(10_000), Allowance(1)
    granted(ledger, "1", claim(A), one)
    ledger.idle("1")
    ledger.leased("1")
    assert ledger.request("2", claim(A), one) == [Refused("2", Reason.ACCOUNT)]


def test_an_idle_environment_of_a_reserved_function_is_no_help_to_the_others() -> None:
    ledger = Ledger(10_000)
    granted(ledger, "1", claim(A), Allowance(2, reserved=1, reserved_total=1))
    ledger.idle("1")
    rest = Allowance(2, reserved_total=1)
    granted(ledger, "2", claim(B), rest)
    assert ledger.request("3", claim(C, edge=1, key="key of b"), rest) == [Refused("3", Reason.ACCOUNT)]


def test_before_refusing_another_edge_is_asked_for_what_it_may_not_need_any_more() -> None:
    ledger, one = Ledger(10_000), Allowance(1_000, reserved=1, reserved_total=1)
    granted(ledger, "1", claim(A, edge=1), one)
    assert ledger.request("2", claim(A, edge=2), one) == [TakeBack(1, "1")]
    assert ledger.took_back("1", False) == [Refused("2", Reason.RESERVED)]


def test_the_asking_edge_is_not_asked_for_what_it_would_have_used_itself() -> None:
    ledger, one = Ledger(10_000), Allowance(1_000, reserved=1, reserved_total=1)
    granted(ledger, "1", claim(A, edge=1), one)
    assert ledger.request("2", claim(A, edge=1), one) == [Refused("2", Reason.RESERVED)]
    assert ledger.request("3", claim(A, edge=1, key="newer code"), one) == [TakeBack(1, "1")]


def test_few_environments_are_asked_for_one_claim() -> None:
    ledger = Ledger(100_000)
    many = Allowance(20)
    for number in range(20):
        granted(ledger, str(number), claim(A, edge=1), many)
    assert len(ledger.request("x", claim(B, edge=2), many)) == PROBES_PER_CLAIM


def test_an_environment_is_not_asked_for_again_and_again() -> None:
    ledger, one = Ledger(10_000), Allowance(1)
    granted(ledger, "1", claim(A, edge=1), one)
    assert ledger.request("2", claim(A, edge=2), one, now_s=5.0) == [TakeBack(1, "1")]
    ledger.took_back("1", False)
    assert ledger.request("3", claim(A, edge=2), one, now_s=5.05) == [Refused("3", Reason.ACCOUNT)]
    assert ledger.request("4", claim(A, edge=2), one, now_s=5.0 + 2 * PROBE_AGAIN_S) == [TakeBack(1, "1")]


def test_pinned_environments_are_never_taken_back() -> None:
    ledger, one = Ledger(128), Allowance(1)
    granted(ledger, "1", claim(A, pinned=True), one)
    ledger.idle("1")
    assert ledger.request("2", claim(B), one) == [Refused("2", Reason.ACCOUNT)]
    assert ledger.request("3", claim(B), WIDE) == []


def test_an_environment_on_its_way_out_is_waited_for_instead_of_throttling() -> None:
    """After a timeout the next request is not throttled on AWS, though our sandbox still dies."""
    ledger, one = Ledger(10_000), Allowance(1_000, reserved=1, reserved_total=1)
    granted(ledger, "1", claim(A), one)
    ledger.retiring("1")
    assert ledger.request("2", claim(A), one) == []
    assert ledger.exited("1") == [Granted("2")]


def test_when_only_one_place_frees_up_the_later_claim_is_refused() -> None:
    ledger, one = Ledger(10_000), Allowance(1_000, reserved=1, reserved_total=1)
    granted(ledger, "1", claim(A), one)
    ledger.retiring("1")
    ledger.request("2", claim(A), one)
    ledger.request("3", claim(A), one)
    assert ledger.exited("1") == [Granted("2"), Refused("3", Reason.RESERVED)]


def test_a_full_node_evicts_just_enough_idle_environments_of_any_function() -> None:
    ledger = Ledger(384)
    for name, function in (("1", A), ("2", B), ("3", C)):
        granted(ledger, name, claim(function))
    ledger.idle("3")
    ledger.idle("1")
    assert ledger.request("4", claim(B, memory_mb=256), WIDE) == [TakeBack(1, "3"), TakeBack(1, "1")]
    ledger.took_back("3", True)
    ledger.took_back("1", True)
    assert ledger.exited("3") == []
    assert ledger.exited("1") == [Granted("4")]


def test_with_nothing_idle_a_full_node_serves_claims_in_the_order_of_arrival() -> None:
    ledger = Ledger(256)
    granted(ledger, "1", claim(A))
    granted(ledger, "2", claim(A))
    assert ledger.request("3", claim(B, memory_mb=256), WIDE) == []
    assert ledger.request("4", claim(C), WIDE) == []
    assert ledger.exited("1") == []  # room for 4, but 3 came first
    assert ledger.exited("2") == [Granted("3")]
    assert ledger.exited("3") == [Granted("4")]


def test_a_claim_behind_one_that_gives_up_gets_its_turn() -> None:
    ledger = Ledger(256)
    granted(ledger, "1", claim(A))
    granted(ledger, "2", claim(A))
    ledger.request("3", claim(B, memory_mb=256), WIDE)
    ledger.request("4", claim(C), WIDE)
    ledger.exited("1")
    assert ledger.expire("3") == [Refused("3", Reason.ACCOUNT, full=True), Granted("4")]
    assert ledger.expire("3") == []


def test_an_environment_that_falls_idle_while_a_claim_waits_for_memory_is_evicted() -> None:
    ledger = Ledger(128)
    granted(ledger, "1", claim(A))
    ledger.request("2", claim(B), WIDE)
    assert ledger.idle("1") == [TakeBack(1, "1")]


def test_a_claim_larger_than_the_node_is_refused() -> None:
    assert Ledger(128).request("1", claim(memory_mb=256), WIDE) == [Refused("1", Reason.ACCOUNT)]


def test_a_lowered_reservation_sends_idle_environments_away_and_busy_ones_when_they_are_done() -> None:
    ledger, three = Ledger(10_000), Allowance(1_000, reserved=3, reserved_total=3)
    for name in "123":
        granted(ledger, name, claim(A), three)
    ledger.idle("2")
    one = Allowance(1_000, reserved=1, reserved_total=1)
    assert ledger.limits_changed(A, one) == [TakeBack(1, "2"), EndWhenDone(1, "3")]
    assert ledger.idle("1") == ledger.limits_changed(A, one) == []
    zero = Allowance(1_000, reserved=0)
    assert ledger.limits_changed(A, zero) == [TakeBack(1, "1")]


def test_what_is_reserved_for_one_function_is_given_up_by_those_that_share_the_rest() -> None:
    ledger, shared = Ledger(10_000), Allowance(3)
    for name, function in zip("123", (B, A, A), strict=True):
        granted(ledger, name, claim(function), shared)
    assert ledger.limits_changed(C, Allowance(3, reserved=2, reserved_total=2)) == [
        EndWhenDone(1, "3"),
        EndWhenDone(1, "2"),
    ]


def test_a_limit_that_was_lowered_during_a_start_holds_for_what_started() -> None:
    ledger = Ledger(10_000)
    ledger.request("1", claim(A), WIDE)
    assert ledger.limits_changed(A, Allowance(1_000, reserved=0)) == []
    assert ledger.started("1") == [EndWhenDone(1, "1")]


def test_a_limit_that_control_had_no_time_to_enforce_holds_after_its_restart() -> None:
    ledger, none = Ledger(10_000), Allowance(1_000, reserved=0)
    ledger.recover(Holding("1", claim(A, edge=1), State.HELD, recovered=True), none)
    assert ledger.confirm(2, []) == []
    assert ledger.confirm(1, ["1"]) == [EndWhenDone(1, "1")]


def test_provisioned_environments_stay_whatever_the_limit() -> None:
    ledger = Ledger(10_000)
    granted(ledger, "1", claim(A, pinned=True))
    granted(ledger, "2", claim(A))
    assert ledger.limits_changed(A, Allowance(1_000, reserved=1, reserved_total=1)) == [EndWhenDone(1, "2")]


def test_a_raised_limit_serves_whoever_waits() -> None:
    ledger, one = Ledger(10_000), Allowance(1_000, reserved=1, reserved_total=1)
    granted(ledger, "1", claim(A), one)
    ledger.retiring("1")
    ledger.request("2", claim(A), one)
    assert ledger.limits_changed(A, Allowance(1_000, reserved=2, reserved_total=2)) == [Granted("2")]


def test_what_another_function_reserves_is_missing_for_whoever_waits() -> None:
    ledger, shared = Ledger(10_000), Allowance(3)
    for name, function in zip("123", (A, A, B), strict=True):
        granted(ledger, name, claim(function), shared)
    ledger.retiring("3")
    ledger.request("4", claim(A), shared)
    assert ledger.limits_changed(B, Allowance(3, reserved=1, reserved_total=1)) == [Refused("4", Reason.ACCOUNT)]


def test_what_a_lost_edge_held_is_stopped_and_its_claims_are_dropped() -> None:
    ledger = Ledger(256)
    granted(ledger, "1", claim(A, edge=1))
    granted(ledger, "2", claim(A, edge=2))
    ledger.request("3", claim(A, edge=1), WIDE)
    ledger.request("4", claim(A, edge=2), WIDE)
    assert ledger.edge_lost(1) == [Refused("3", None), StopEnvironment("1", "its edge is gone")]
    assert ledger.exited("1") == [Granted("4")]


def test_an_environment_whose_edge_is_lost_while_it_starts_is_stopped_once_it_exists() -> None:
    ledger = Ledger(256)
    ledger.request("1", claim(A), WIDE)
    assert ledger.edge_lost(1) == []
    assert not ledger.holds("1")
    assert ledger.started("1") == [StopEnvironment("1", "nobody waits for it")]


def test_a_lost_agent_takes_everything_with_it() -> None:
    ledger = Ledger(128)
    granted(ledger, "1", claim(A))
    ledger.request("2", claim(B), WIDE)
    assert ledger.agent_lost() == [Refused("2", None)]
    assert ledger.usage().environments == ledger.usage().memory_mb == 0
    assert ledger.exited("1") == []


def test_a_control_that_restarts_counts_what_the_agent_holds() -> None:
    ledger, two = Ledger(10_000), Allowance(1_000, reserved=2, reserved_total=2)
    ledger.recover(Holding("1", claim(A, edge=1), State.HELD), two)
    ledger.recover(Holding("1", claim(A, edge=1), State.HELD), two)
    granted(ledger, "2", claim(A, edge=1), two)
    assert ledger.request("3", claim(A, edge=1), two) == [Refused("3", Reason.RESERVED)]


@pytest.mark.parametrize("note", ["idle", "leased", "retiring", "started", "exited"])
def test_news_of_an_environment_that_is_not_known_changes_nothing(note: str) -> None:
    ledger = Ledger(128)
    assert getattr(ledger, note)("stranger") == []
    assert ledger.took_back("stranger", True) == []
    assert ledger.usage().environments == 0


def test_late_and_repeated_news_is_harmless() -> None:
    ledger, one = Ledger(10_000), Allowance(1)
    granted(ledger, "1", claim(A), one)
    ledger.idle("1")
    ledger.request("2", claim(B), one)  # asks for 1
    for note, _ in itertools.product((ledger.idle, ledger.leased, ledger.started), range(2)):
        assert note("1") == []
    assert ledger.took_back("1", True) == [StopEnvironment("1", "taken back")]
    assert ledger.took_back("1", True) == []
    assert ledger.exited("1") == [Granted("2")]
    assert ledger.exited("1") == []
