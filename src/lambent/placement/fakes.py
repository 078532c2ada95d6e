"""What surrounds placement, in memory: for the tests of this room and of those above it."""

from lambent.errors import Unavailable
from lambent.model.environment import EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.messages import LeaseRequest, Move, Start, Stop
from lambent.placement.api import Allowance


class FakeAgents:
    """Starts and stops nothing, and remembers. `reachable = False` is an agent that is gone."""

    def __init__(self) -> None:
        self.reachable = True
        self.running: dict[str, Start] = {}
        self.stopped: list[Stop] = []

    async def start(self, start: Start) -> None:
        if not self.reachable:
            raise Unavailable("no agent")
        self.running[start.spec.environment_id] = start

    async def stop(self, stop: Stop) -> None:
        if not self.reachable:
            raise Unavailable("no agent")
        self.stopped.append(stop)
        self.running.pop(stop.environment_id, None)

    async def move(self, move: Move) -> str:
        start = self.running.get(move.environment_id)
        if start is None or not self.reachable:
            raise Unavailable("it is gone")
        self.running[move.environment_id] = Start(start.spec, move.edge)
        return start.spec.log_stream


class FakeEdges:
    """Gives up exactly the environments in `idle`; to be moved, those in `movable` (by edge and key)."""

    def __init__(self) -> None:
        self.idle: set[str] = set()
        self.asked: list[tuple[int, str]] = []
        self.movable: dict[tuple[int, str], list[str]] = {}
        self.released: list[tuple[int, str]] = []
        self.connected = [1]

    async def give_up(self, edge: int, environment_key: str) -> str:
        idle = self.movable.get((edge, environment_key))
        return idle.pop(0) if idle else ""

    async def release(self, edge: int, environment_id: str) -> None:
        self.released.append((edge, environment_id))

    def numbers(self) -> list[int]:
        return self.connected

    async def take_back(self, edge: int, environment_id: str) -> bool:
        self.asked.append((edge, environment_id))
        if environment_id not in self.idle:
            return False
        self.idle.discard(environment_id)
        return True


class FakeLimits:
    """An account limit, reservations by function name, and one memory size for all."""

    def __init__(self, account_limit: int = 1_000, memory_mb: int = 128) -> None:
        self.account_limit, self.size_mb = account_limit, memory_mb
        self.reserved: dict[str, int] = {}

    async def allowance(self, function: FunctionKey) -> Allowance:
        return Allowance(self.account_limit, self.reserved.get(function.name), sum(self.reserved.values()))

    async def memory_mb(self, request: LeaseRequest) -> int:
        return self.size_mb


class FakeSpecs:
    """A spec with nothing in it but names."""

    def __init__(self, memory_mb: int = 128) -> None:
        self.size_mb = memory_mb

    async def log_stream(self, request: LeaseRequest) -> str:
        return f"stream of {request.key.name} {request.version}"

    async def spec(self, request: LeaseRequest, environment_id: str, log_stream: str) -> EnvironmentSpec:
        return EnvironmentSpec(
            environment_id=environment_id,
            environment_key=request.environment_key,
            function=request.key,
            version=request.version,
            runtime="python3.12",
            handler="app.handler",
            code="",
            memory_mb=self.size_mb,
            ephemeral_mb=512,
            variables={},
            log_stream=log_stream,
            provisioned_for=request.qualifier if request.provisioned else "",
        )
