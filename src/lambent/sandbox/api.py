"""The contract of this room: what a sandbox is to the agent, and how one is asked for.

A `Sandbox` is made generic (`spawn`: processes, namespaces, cgroups, /tmp) and given its function
later (`assign`), so that some can wait ready-made. The agent owns it from `Sandboxes.take` until
`stop` has returned; after that nothing of it is left: no process, cgroup, mount or descriptor.
`wait_ended` may be waited for by one task at a time. The descriptors of an `Assigned` belong to
whoever took it, to be sent on and closed.

This room knows no function: an `Assignment` names folders, variables and limits.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from lambent.errors import Fault, ServiceError
from lambent.model.environment import Container, Mount, Reach, StartTimes
from lambent.model.messages import RuntimeStatus

if TYPE_CHECKING:  # it raises what is defined here
    from lambent.sandbox.memory_image import MemoryImage


class SandboxFailure(ServiceError):
    """A sandbox could not be made; the message says which step, and why."""

    fault = Fault.PLATFORM
    code, status = "ServiceException", 500


class MountFailure(SandboxFailure):
    """The function's file system could not be mounted; the message says why."""

    code, status = "EFSMountFailureException", 403


class StaleImage(SandboxFailure):
    """A snapshot's image no longer fits: the zygote that it descends from has been replaced."""


class RuntimeUnavailable(ServiceError):
    """The interpreter that a runtime needs is not on this node; the message says what to install."""

    fault = Fault.PLATFORM
    code, status = "ServiceException", 500


class Assignment(Struct, frozen=True):
    """What turns a generic sandbox into one function's environment."""

    runtime: str
    code: str
    layers: tuple[str, ...]
    handler: str
    initialization_type: str
    variables: dict[str, str]
    memory_mb: int
    ephemeral_mb: int
    pausing: bool = False  # wait after the init phase, to be read
    network: Reach = "platform"
    mount: Mount | None = None
    container: Container | None = None


class Assigned(Struct, frozen=True):
    """The platform's ends of what leads into an environment; -1 where there is none."""

    channel: int
    output: int
    memory_gauge: int
    listener: int
    freezer: int
    times: StartTimes
    runtime_api: int = -1  # a listener: the runtime speaks HTTP, or extensions do
    supervisor: int = -1  # of external extensions
    extension_output: int = -1
    extensions: tuple[str, ...] = ()
    http_runtime: bool = False
    telemetry: tuple[int, ...] = ()  # sockets of the environment's own namespace, not connected


class Ending(Struct, frozen=True):
    """How the runtime process ended; both stay at -1 and 0 when it was taken down from outside."""

    exit_status: int = -1
    signal: int = 0
    out_of_memory: bool = False
    peak_memory_bytes: int = 0


class Sandbox(Protocol):
    """One environment's walls, with a function inside."""

    pid: int

    async def take_image(self, folder: Path) -> "MemoryImage":
        """The memory of a function that was assigned with `pausing`, once it has said that it is ready.

        Raises:
            SandboxFailure: it does not come to rest, or the host cannot do it.
        """

    def limit_cpu(self) -> None:
        """The init phase is over: from now on CPU is in proportion to memory."""

    async def wait_ended(self) -> Ending:
        """The end of the runtime process; everything inside is dead when it returns."""

    def terminate(self) -> None:
        """Ask the runtime process to end: SIGTERM; nothing if it is not there any more."""

    async def stop(self) -> None:
        """Kill all that is inside and leave nothing behind; idempotent."""


class Sandboxes(Protocol):
    """Where sandboxes come from: one a node."""

    async def take(self, assignment: Assignment, image: "MemoryImage | None" = None) -> tuple[Sandbox, Assigned]:
        """A sandbox in which the bootstrap has begun to load the function, or one that goes on from `image`.

        Raises:
            RuntimeUnavailable: no interpreter for the runtime.
            StaleImage: the image fits no sandbox any more.
            SandboxFailure: the host refused a step.
        """

    def expect(self, runtime: str, memory_mb: int) -> None:
        """A function that is so may be started soon: have a process of its language ready, where one can wait."""

    def runtimes(self) -> list[RuntimeStatus]:
        """The interpreters of this node, and what is ready-made of each."""

    async def close(self) -> None:
        """Stop what waits unassigned and the zygotes; assigned sandboxes are their owners' to stop."""
