"""An execution environment as the parts speak of it: what to make, what was made, how it ended."""

from typing import Literal

from msgspec import Struct

from lambent.model.function import FunctionKey

# What a function may reach: nothing; the platform's own endpoint; that and the internet.
Reach = Literal["none", "platform", "egress"]


class Mount(Struct, frozen=True):
    """A folder that the operator lends, by its `FileSystem.place`, and where the function finds it."""

    place: str
    path: str


class Container(Struct, frozen=True):
    """An environment whose root is an image's: what is run in it, and where; `code` is the image's digest."""

    command: tuple[str, ...]
    working_directory: str


class EnvironmentSpec(Struct, frozen=True):
    """Everything the agent needs to make one environment.

    `variables` is the complete environment of the runtime process, platform variables and
    credentials included. `code` is the content address of the unpacked code (a folder under
    DATA/code); `layers` likewise, in the order in which they are merged under /opt. `provisioned_for` is
    the version or alias to whose provisioned concurrency it belongs, "" for none; it may then take
    `init_timeout_s` for its init phase.
    """

    environment_id: str
    environment_key: str
    function: FunctionKey
    version: str
    runtime: str
    handler: str
    code: str
    memory_mb: int
    ephemeral_mb: int
    variables: dict[str, str]
    log_stream: str
    layers: tuple[str, ...] = ()
    network: Reach = "platform"
    initialization_type: str = "on-demand"
    provisioned_for: str = ""
    init_timeout_s: float = 0.0
    snapshot: bool = False  # SnapStart: goes on from the version's one init phase
    mount: Mount | None = None
    container: Container | None = None
    log_level: str = ""  # the least that is kept of logs in JSON; "" for text
    system_log_level: str = ""  # the same of the platform's own lines


class StartTimes(Struct, frozen=True):
    """Where the agent's part of a start went, each a duration in microseconds.

    `sandbox_us`: until a generic sandbox was there, but for its fork; nothing to speak of when one waited
    ready-made, and then `fork_us` is 0. `cgroup_us`: the function's limits. `mount_us`: inside, from the
    assignment to the bootstrap: code mounted, rights dropped, system calls filtered.
    """

    sandbox_us: int = 0
    fork_us: int = 0
    cgroup_us: int = 0
    mount_us: int = 0
    restored: bool = False  # it goes on from a snapshot, and its init phase is only the restore's


class Provisioned(Struct, frozen=True):
    """What an edge has to know of an environment that no request of its own has asked for."""

    function: FunctionKey
    version: str
    log_stream: str
    init_timeout_s: float


class ApiFacts(Struct, frozen=True):
    """What the Runtime API of an environment tells those who ask on it. `http_runtime`: the runtime speaks HTTP, not
    frames. `extensions`: the external ones, by name; they have a supervisor."""

    function: FunctionKey
    version: str
    handler: str
    runtime: str
    initialization_type: str
    memory_mb: int
    http_runtime: bool = False
    extensions: tuple[str, ...] = ()
    log_format: str = "Text"
    log_stream: str = ""
    system_log_level: str = ""


class EnvironmentGrant(Struct, frozen=True):
    """What travels with the file descriptors of a new environment, from the agent to an edge.

    The descriptors, in this order: `channel` (stream socket, frames both ways), `output` (read
    end of the pipe behind the environment's stdout and stderr), then, where `has_memory_gauge`,
    `memory_gauge` (a file whose text is the peak memory in bytes), then, where
    `has_platform_listener`, a listening TCP socket inside the environment's network namespace
    that the edge serves as the bridge to the platform's own endpoint, then, where `has_freezer`,
    `freezer` (a file; "1" stops every process of the environment, "0" lets them go on). Then, where there is `api`, a
    listening socket for the Runtime API in there, where it has extensions their supervisor's socket and the pipe behind
    their stdout and stderr, and unconnected TCP sockets made in there, for telemetry. An environment that has
    connections from inside cannot be moved.

    An environment of provisioned concurrency comes unasked, so its grant says what it is for.
    `initialised`: it comes from another edge, idle after its init phase. `log_level`: see the spec.
    """

    environment_id: str
    environment_key: str
    times: StartTimes = StartTimes()
    has_memory_gauge: bool = False
    has_platform_listener: bool = False
    has_freezer: bool = False
    initialised: bool = False
    provisioned: Provisioned | None = None
    api: ApiFacts | None = None
    log_level: str = ""


class EnvironmentExit(Struct, frozen=True):
    """How an environment's runtime process ended; told to control and to the holding edge.

    Exactly one of `exit_status` (>= 0) and `signal` (> 0) says how; both stay at their defaults
    when the platform took the environment down. `out_of_memory` is the kernel's word.
    `peak_memory_bytes` is the gauge's last value, because the gauge goes with the environment; 0
    when it cannot be told.
    """

    environment_id: str
    exit_status: int = -1
    signal: int = 0
    out_of_memory: bool = False
    reason: str = ""
    peak_memory_bytes: int = 0
