"""What the parts say to one another: one Struct a message, named after its method.

| method | from -> to | body -> answer |
| --- | --- | --- |
| hello | edge -> control, edge -> agent, edge -> edge | Hello -> Welcome |
| http | edge -> control | Forwarded -> HttpResponse |
| access_key | edge -> control; edge -> edge while that is away | KeyQuery -> AccessKey or None |
| snapshot | edge -> control; edge -> edge | SnapshotRequest -> FunctionSnapshot; between edges None for "not here" |
| function_url | edge -> control; edge -> edge | UrlQuery -> UrlAccess or None |
| api | edge -> control; edge -> edge | str (API id) -> CompiledApi or None |
| spend | edge -> control | KeyUse -> KeyVerdict; a request that may go on is counted on disk when it answers |
| domains | edge -> control | None -> dict of lists of DomainMapping: all custom domain names |
| may_invoke | edge -> control; edge -> edge | InvokeQuery -> bool: the function's policy lets that API or caller in |
| access_logs | edge -> control | AccessLines -> None; they are on disk when it answers |
| measured | edge -> control | Measured -> None; kept in memory, and on disk within a second |
| api_requests | edge -> control | ApiRateQuery -> RateGrant |
| lease | edge -> control; edge -> edge | LeaseRequest -> LeaseGrant or Hosted; raises Throttled; between edges None |
| enqueue | edge -> control | Enqueue -> None; the event is on disk when it answers |
| invalidate | control -> edge | Invalidate -> None; nothing stale is served once it answers |
| call_service | edge -> control | ServiceCall -> HttpResponse; raises AccessDenied |
| try_rest | control -> edge | RestTrial -> TrialOutcome |
| invoke | control -> edge | Invocation -> InvocationResult |
| host | edge -> edge | Guest -> InvocationResult, or None for "not run": nothing like it is there any more |
| keep | edge -> edge while control is away | Guest -> InvocationResult, or None for "not run" |
| take_back | control -> edge | str (environment id) -> bool: idle and given up |
| give_up | control -> edge | str (environment key) -> str: an idle environment, given up to be moved; "" for none |
| release | control -> edge | str (environment id) -> None: it ends when it is idle |
| held | control -> edge | None -> list[str]: the environments that it has |
| connections | control -> edge | None -> int: how many WebSockets it holds |
| connection | edge -> edge | ConnectionCall -> ConnectionAnswer: what @connections asks of one that is held there |
| move | control -> agent; edge -> agent while that is away | Move -> str (log stream); descriptors go by the handoff |
| initialised | edge -> control (notice) | Initialised: how the init phase of a provisioned environment ended |
| start | control -> agent | Start -> None; the grant travels to the edge by the handoff socket |
| stop | control -> agent, edge -> agent | Stop -> None; the environment is gone when it answers |
| ready | edge -> agent (notice) | Ready: the init phase is over, CPU limit applies |
| inventory | control -> agent | None -> list[EnvironmentStatus] |
| runtimes | control -> agent | None -> list[RuntimeStatus] |
| expect | control -> agent | Expected -> None: a function that is so may be started soon |
| take_snapshot | control -> agent | EnvironmentSpec -> SnapshotTaken: initialised once, for every start to come |
| forget_snapshots | control -> agent | list[str] (environment keys) -> None |
| exited | agent -> control, agent -> the edge that holds it (notice) | EnvironmentExit |
| idle | edge -> control (notice) | IdleChange |
| status | edge -> control | None -> dict: the parts and environments, for `lambent status` |
| metrics | edge -> control | None -> str: Prometheus text |
| advance | edge -> control | float (seconds, 0 to look) -> Moment; every edge has the new time when it answers |
| clock | control -> edge | float: how far ahead of the machine's the time is from now on |
| download | edge -> control | Download -> bytes: a function's package; raises on a bad link |
| leaving | edge -> control (notice) | None: about to stop; long polls that wait are answered now |
| retiring | edge -> control (notice) | str (environment id): unused, and being stopped; its slot is as good as free |
"""

from msgspec import Struct

from lambent.model.apis import Throttle
from lambent.model.environment import EnvironmentSpec
from lambent.model.function import FunctionKey
from lambent.model.http import HttpRequest
from lambent.model.invocation import Invocation, LogLine
from lambent.model.meter import Collected
from lambent.model.principal import Principal


class Hello(Struct, frozen=True):
    """Who has connected: an edge by its number. `generation` differs after each restart."""

    edge: int
    pid: int
    generation: str


class Welcome(Struct, frozen=True):
    """The answer to Hello: who was reached, and how far control's time is ahead of the machine's (test mode)."""

    pid: int
    clock_shift_s: float = 0.0


class Moment(Struct, frozen=True):
    """What the platform's clock shows, and how far it is ahead of the machine's."""

    now_s: float
    shift_s: float


class Forwarded(Struct, frozen=True):
    """An authenticated request that control answers; `service` is the signing name."""

    request: HttpRequest
    principal: Principal
    service: str
    region: str
    request_id: str
    endpoint: str
    source_ip: str


class KeyQuery(Struct, frozen=True):
    """Which key is this? Temporary keys are told by their token; `service` and `region` are for the
    key's last use."""

    access_key_id: str
    session_token: str = ""
    service: str = ""
    region: str = ""


class SnapshotRequest(Struct, frozen=True):
    """Which function version is wanted, as the caller named it."""

    key: FunctionKey
    qualifier: str


class UrlQuery(Struct, frozen=True):
    """Which function URL is this, and may `principal` (None: whoever comes) use it?"""

    url_id: str
    principal: Principal | None = None


class InvokeQuery(Struct, frozen=True):
    """May API Gateway invoke this function for the route of an API that `source_arn` names, or `caller` invoke it?"""

    function: FunctionKey
    qualifier: str
    source_arn: str = ""
    caller: Principal | None = None

    @property
    def whose(self) -> str:
        """The ARN of the route or of the caller."""
        return self.source_arn if self.caller is None else self.caller.arn


class LoggedAccess(Struct, frozen=True, array_like=True):
    """One line of an access log, for a stream of a log group."""

    group_arn: str
    stream: str
    at_ms: int
    text: str


class AccessLines(Struct, frozen=True):
    """Lines of access logs."""

    lines: list[LoggedAccess]


class Measured(Struct, frozen=True):
    """What an edge has counted for CloudWatch."""

    collected: list[Collected]


class ApiRateQuery(Struct, frozen=True):
    """An edge wants to let `wanted` more requests through; `name` is what they are for."""

    name: str
    throttle: Throttle
    wanted: int


class LeaseRequest(Struct, frozen=True):
    """One more environment for exactly this key, please. `provisioned`: for the provisioned concurrency on `qualifier`,
    which control itself asks for. `here`: the requests that wait for it cannot go to another edge. `served`: the asking
    edge has some, for which they can wait."""

    key: FunctionKey
    version: str
    qualifier: str
    environment_key: str
    provisioned: bool = False
    here: bool = False
    served: bool = False


class LeaseGrant(Struct, frozen=True, tag=True):
    """The environment that is on its way to the asking edge; `moved`: from another edge, idle,
    `age_s` after it was made."""

    environment_id: str
    log_stream: str
    placement_us: int = 0
    moved: bool = False
    provisioned: bool = False
    age_s: float = 0.0


class Hosted(Struct, frozen=True, tag=True):
    """No more environments can be had now, and what there is of this key is with another edge: requests go there."""

    edge: int


class Guest(Struct, frozen=True):
    """An invocation of one edge that another is to run, in an environment of this key: which of an alias's two versions
    that is, has been drawn already. An answer in pieces, of at most `limit_bytes`, goes to the edge that asks as its
    number `stream`; 0: it is wanted whole."""

    invocation: Invocation
    environment_key: str
    stream: int = 0
    limit_bytes: int = 0


class Pieces(Struct, frozen=True):
    """The next pieces of the asking edge's answer number `stream`; the first of these messages opens it, and may have
    none. The answer to each comes when there is room for more, and is whether anybody wants them."""

    stream: int
    version: str
    content_type: str
    pieces: list[bytes]


class RateQuery(Struct, frozen=True):
    """An edge wants to let `wanted` more synchronous requests of `key` through."""

    key: FunctionKey
    wanted: int


class RateGrant(Struct, frozen=True):
    """So many of them; for none, why (a value of the model's ThrottleReason) and when to ask again."""

    tokens: int
    retry_after_s: float = 0.0
    reason: str = ""


class Move(Struct, frozen=True):
    """Hand this environment, which its edge has given up, to that edge."""

    environment_id: str
    edge: int


class Initialised(Struct, frozen=True):
    """A provisioned environment is ready for traffic, or, with a `failure`, never will be."""

    environment_id: str
    failure: str = ""


class Enqueue(Struct, frozen=True):
    """An asynchronous invocation to be kept and run."""

    invocation: Invocation


class Invalidate(Struct, frozen=True):
    """Forget these: functions (all their versions), APIs by their ids, all custom domain names, access keys, or all."""

    functions: list[FunctionKey] = []
    apis: list[str] = []
    domains: bool = False
    access_keys: list[str] = []
    all_access_keys: bool = False


class Download(Struct, frozen=True):
    """A code link, as it stood on the request line."""

    path: str
    query: str


class ConnectionCall(Struct, frozen=True):
    """A request to @connections, for the edge that holds the connection: POST (`data`), GET or DELETE."""

    connection_id: str
    api_id: str
    stage: str
    method: str
    data: bytes = b""


class ConnectionAnswer(Struct, frozen=True):
    """`status` is done, gone (there is no such connection) or full (the client does not read); the rest is for GET."""

    status: str
    connected_ms: int = 0
    active_ms: int = 0
    source_ip: str = ""
    user_agent: str = ""


class Start(Struct, frozen=True):
    """Make this environment and hand it to that edge."""

    spec: EnvironmentSpec
    edge: int


class Stop(Struct, frozen=True):
    """Take this environment down; `reason` goes to the log."""

    environment_id: str
    reason: str


class Ready(Struct, frozen=True):
    """The init phase is over, and well unless it `failed`. A `patience_s` above 0: when it is stopped it is asked to
    end (SIGTERM), and has so long until it is killed; that is for environments with extensions."""

    environment_id: str
    patience_s: float = 0.0
    failed: bool = False


class EnvironmentStatus(Struct, frozen=True):
    """One living environment, for `lambent status` and for a control that has restarted."""

    environment_id: str
    environment_key: str
    function: FunctionKey
    version: str
    edge: int
    memory_mb: int
    started_ms: int
    pid: int
    provisioned_for: str = ""
    initialised: bool = False
    packages: tuple[str, ...] = ()  # the code and the layers that it has mounted, by digest


class Expected(Struct, frozen=True):
    """A function was made or changed: an environment like this may soon be asked for."""

    runtime: str
    memory_mb: int


class Waiting(Struct, frozen=True):
    """Ready-made sandboxes of one runtime: for functions of `memory_mb`, 0 where that makes no difference. `bytes` is
    what they have of their own; what all processes of the host share is not counted, nor where nothing counts."""

    memory_mb: int
    count: int
    bytes: int


class RuntimeStatus(Struct, frozen=True):
    """One interpreter of this node, and what waits of it."""

    runtime: str
    version: str
    executable: str
    waiting: list[Waiting] = []


class SnapshotTaken(Struct, frozen=True):
    """How the init phase of a version with SnapStart ended. `status` is "success", "error" or "timeout";
    `error_type` is "Platform" when it was no fault of the function's, and then `message` says what it was."""

    status: str
    init_us: int
    lines: list[LogLine] = []
    error_type: str = ""
    message: str = ""


class IdleChange(Struct, frozen=True):
    """An environment fell idle (`since_ms` > 0) or was leased again (0); placement's LRU order."""

    environment_id: str
    since_ms: int
