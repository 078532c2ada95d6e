"""Whatever happens, in whatever order: no limit is ever passed, and every claim gets one answer."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from lambent.model.function import FunctionKey
from lambent.placement.api import Allowance
from lambent.placement.holdings import Claim, Effect, EndWhenDone, Granted, Guided, Refused, StopEnvironment, TakeBack
from lambent.placement.ledger import Ledger

FUNCTIONS = [FunctionKey("000000000000", "us-east-1", name) for name in "abcd"]
CAPACITY_MB, ACCOUNT_LIMIT = 1_024, 6


class LedgerMachine(RuleBasedStateMachine):
    """Drives a ledger as edges and an agent would, and keeps books of its own."""

    environments = Bundle("environments")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(CAPACITY_MB)
        self.count = 0
        self.reserved = {FUNCTIONS[0]: 2}
        self.open: dict[str, Claim] = {}  # claims without an answer
        self.alive: dict[str, Claim] = {}  # granted and not ended
        self.asked: set[str] = set()

    def allowance(self, function: FunctionKey) -> Allowance:
        return Allowance(ACCOUNT_LIMIT, self.reserved.get(function), sum(self.reserved.values()))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Granted(name):
                    granted = self.open.pop(name)
                    self.alive[name] = granted
                    reserved = self.reserved.get(granted.function)
                    if reserved is not None:
                        assert self.held(granted.function) <= reserved
                    else:
                        assert self.unreserved() <= ACCOUNT_LIMIT - sum(self.reserved.values())
                    assert self.memory_mb() <= CAPACITY_MB
                case Refused(name, _):
                    del self.open[name]
                case Guided(name, edge, _):
                    shown = self.open.pop(name)
                    assert not shown.here
                    alike = [each.edge for each in self.alive.values() if each.environment_key == shown.environment_key]
                    assert edge in alike
                case TakeBack(edge, name):
                    assert self.alive[name].edge == edge
                    assert name not in self.asked
                    self.asked.add(name)
                case StopEnvironment(name, _):
                    assert name in self.alive
                case EndWhenDone(edge, name):
                    assert self.alive[name].edge == edge

    def held(self, function: FunctionKey) -> int:
        return sum(claim.function == function for claim in self.alive.values())

    def unreserved(self) -> int:
        return sum(claim.function not in self.reserved for claim in self.alive.values())

    def memory_mb(self) -> int:
        return sum(claim.memory_mb for claim in self.alive.values())

    @rule(
        target=environments,
        function=st.sampled_from(FUNCTIONS),
        edge=st.sampled_from([1, 2]),
        memory_mb=st.sampled_from([128, 256, 512]),
        starts=st.booleans(),
        here=st.booleans(),
    )
    def request(self, function: FunctionKey, edge: int, memory_mb: int, starts: bool, here: bool) -> str:
        self.count += 1
        name = str(self.count)
        self.open[name] = claim = Claim(edge, function, function.name, memory_mb, here=here)
        self.take(self.ledger.request(name, claim, self.allowance(function), self.count / 50))
        if starts and name in self.alive:
            self.take(self.ledger.started(name))
        return name

    @rule(name=environments)
    def started(self, name: str) -> None:
        if name in self.alive:
            self.take(self.ledger.started(name))

    @rule(name=environments)
    def idle(self, name: str) -> None:
        self.take(self.ledger.idle(name))

    @rule(name=environments)
    def leased(self, name: str) -> None:
        self.take(self.ledger.leased(name))

    @rule(name=environments)
    def retiring(self, name: str) -> None:
        self.take(self.ledger.retiring(name))

    @rule(name=environments, given=st.booleans())
    def took_back(self, name: str, given: bool) -> None:
        if name in self.asked:
            self.asked.discard(name)
            self.take(self.ledger.took_back(name, given))

    @rule(name=consumes(environments))
    def exited(self, name: str) -> None:
        self.alive.pop(name, None)
        self.asked.discard(name)
        self.take(self.ledger.exited(name))

    @rule(name=environments)
    def expire(self, name: str) -> None:
        self.take(self.ledger.expire(name))
        assert name not in self.open

    @rule(name=environments)
    def hurry(self, name: str) -> None:
        self.take(self.ledger.hurry(name, self.count / 50))

    @rule(edge=st.sampled_from([1, 2]))
    def edge_lost(self, edge: int) -> None:
        self.asked -= {name for name, claim in self.alive.items() if claim.edge == edge}
        self.take(self.ledger.edge_lost(edge))
        assert all(claim.edge != edge for claim in self.open.values())

    @rule()
    def agent_lost(self) -> None:
        self.alive.clear()
        self.asked.clear()
        self.take(self.ledger.agent_lost())
        assert not self.open

    @rule(function=st.sampled_from(FUNCTIONS), reserved=st.sampled_from([None, 0, 1, 3]))
    def limits_changed(self, function: FunctionKey, reserved: int | None) -> None:
        changed = {**self.reserved, function: reserved}
        self.reserved = {key: value for key, value in changed.items() if value is not None}
        self.take(self.ledger.limits_changed(function, self.allowance(function)))

    @invariant()
    def the_books_agree(self) -> None:
        usage = self.ledger.usage()
        assert usage.environments == len(self.alive)
        assert usage.memory_mb == self.memory_mb() <= CAPACITY_MB
        assert usage.waiting == len(self.open)


LedgerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestLedger = LedgerMachine.TestCase
