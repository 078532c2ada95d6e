"""What the agent and the inside of a sandbox say to one another, as JSON packets.

The inside speaks plain JSON (`runtimes/python/doorway.py`, `zygote.py`, `init.py`, `tenant.py`), because it runs on any
Python without our dependencies; this is the agent's side of the same words.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lambent.model.environment import Container


class Plan(Struct, frozen=True):
    """agent -> doorway, with the cgroup.procs files of the zygotes' group. No `root`: no walls."""

    agent_pid: int
    root: str
    steps: list[list[Any]]
    command: list[str]
    variables: dict[str, str]


class ZygoteSettings(Struct, frozen=True):
    """agent -> zygote, once."""

    filters: list[bytes]
    walls: bool


class ZygoteReady(Struct, frozen=True):
    """zygote -> agent, once."""

    python: str


class Boot(Struct, frozen=True):
    """How a runtime's program starts; see `runtimes/python/guest.py`. `variables`: all that it has where it waits for
    its function, else what it has beside the function's own."""

    command: tuple[str, ...]
    variables: Mapping[str, str]


class Program(Struct, frozen=True):
    """A program that speaks HTTP, and the file that has to be there for it."""

    file: str
    command: tuple[str, ...]


class Programs(Struct, frozen=True):
    """What a runtime process becomes: the first of `choices` whose file is there. `variables`: beside the function's
    own. Where no file is there its end is `status`, after the line `missing`; without that it is told as the want of a
    bootstrap."""

    choices: tuple[Program, ...]
    variables: Mapping[str, str] = {}
    missing: str = ""
    status: int = 1


class SpawnRequest(Struct, frozen=True):
    """agent -> zygote, with control, assignment, where init freezes `by_signals` the pipe of its orders, for a `boot`
    channel and output, and the cgroup.procs files. `counted_by_uid`: no control group holds the `processes`."""

    uid: int
    shared_uid: bool
    hostname: str
    port: int
    tmp_mb: int
    loop: int
    walls: bool
    processes: int
    counted_by_uid: bool
    file_descriptors: int
    by_signals: bool
    boot: Boot | None = None  # started while the sandbox waits for its function


class Spawned(Struct, frozen=True):
    """zygote -> agent."""

    pid: int = -1
    fork_us: int = 0
    error: str = ""


class InitWord(Struct, frozen=True):
    """init -> agent, on control: that it stands (with the listener), failed, or how the runtime ended."""

    ready: bool = False
    error: str = ""
    exit: int | None = None


class Lent(Struct, frozen=True):
    """A folder that base_root has put aside, and how it is to be mounted. `mapped`: the function's uid is shown as the
    folder's owner; what only the host's root may do. Otherwise the function becomes the user who runs the agent."""

    place: str
    path: str
    read_only: bool
    mapped: bool


class TenantOrder(Struct, frozen=True):
    """agent -> tenant, with channel and output unless a `boot` was spawned with them, and where there is an `image`
    with that and its plan. `boot`: a program to be started only now; `wrapper`: what of the
    function's is started in front of that, or of one of the `programs`. `nice`: of all its processes."""

    code: str
    layers: tuple[str, ...]
    handler: str
    initialization_type: str
    variables: dict[str, str]
    tmp_mb: int
    loop: int
    task_root: str
    nice: int
    pausing: bool = False
    image: bool = False
    programs: Programs | None = None
    mount: Lent | None = None
    boot: Boot | None = None
    wrapper: str = ""
    container: Container | None = None


class TenantAnswer(Struct, frozen=True):
    """tenant -> agent; where the Runtime API is wanted, with its listener. `extensions`: the external ones, which a
    supervisor starts: the agent's end of its socket comes too, and the pipe behind their stdout and
    stderr. Then sockets for telemetry."""

    mount_us: int = 0
    extensions: tuple[str, ...] = ()
    error: str = ""
    not_mounted: bool = False
