"""SnapStart on one node: each published version is initialised once, and its memory kept for every start to come.

Knows which images there are, which are being made and who waits for that. One image for each
environment key. It is lost with its zygote and with the agent, and made again at the next start; one
that nobody has used for `idle_s` is thrown away. A function that cannot be initialised for a
snapshot any more is started as any other is, so that its caller hears the function's own error.

Source: Lambda Developer Guide, "Improving startup performance with Lambda SnapStart" (a snapshot
unused for 14 days goes).
"""

import asyncio
import os
import socket
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from lambent.clock import Clock, iso_seconds
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.live import LiveEnvironment
from lambent.model.environment import EnvironmentExit, EnvironmentGrant, EnvironmentSpec
from lambent.model.messages import SnapshotTaken
from lambent.roles.agent_relay import Relay
from lambent.sandbox.api import Assigned, Assignment, Ending, Sandbox, Sandboxes, SandboxFailure
from lambent.sandbox.memory_image import MemoryImage

PLATFORM = "Platform"
WALLS_NEEDED = "SnapStart needs sandboxes, and this server runs functions without them (--isolation process)."
CREDENTIALS_EXPIRE, INIT_CREDENTIALS_S = "AWS_CREDENTIAL_EXPIRATION", 899.0

log = structlog.get_logger()


class SnapshotOptions(Struct, frozen=True):
    """Where images lie, how long one is kept unused, and whether the node has walls: without them no process has
    a /tmp, a list of processes or a memory of its own that another could take over."""

    folder: Path
    idle_s: float
    walls: bool


class Kept:
    """An image, and when it was last used."""

    def __init__(self, image: MemoryImage, used_s: float) -> None:
        self.image, self.used_s = image, used_s


class Snapshots:
    """All images of this node. `relay` connects a function in its init phase to the platform."""

    def __init__(self, sandboxes: Sandboxes, relay: Relay, options: SnapshotOptions, clock: Clock) -> None:
        self._sandboxes, self._relay, self._options, self._clock = sandboxes, relay, options, clock
        self._kept: dict[str, Kept] = {}
        self._making: dict[str, asyncio.Task[SnapshotTaken]] = {}

    async def take(self, spec: EnvironmentSpec) -> SnapshotTaken:
        """Initialise the version and keep its memory, in place of an older image."""
        key = _image_key(spec)
        if key not in self._making:
            task = self._making[key] = asyncio.get_running_loop().create_task(self._make(spec))
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(self._making[key])

    async def start(self, spec: EnvironmentSpec) -> tuple[Sandbox, Assigned]:
        """A sandbox that goes on from the version's image, or, without one, begins at the beginning.

        Raises:
            ServiceError: as `Sandboxes.take`.
        """
        self._drop_unused()
        for _ in range(2):  # the image that is there may have outlived its zygote
            image = await self._image(spec)
            if image is None:
                break
            try:
                sandbox, assigned = await self._sandboxes.take(assignment_of(spec), image)
            except SandboxFailure as error:
                log.info("snapshot is of no use", action="snapshot.stale", function=spec.function.name, why=str(error))
                self.forget([_image_key(spec)])
                continue
            times = msgspec.structs.replace(assigned.times, restored=True)
            return sandbox, msgspec.structs.replace(assigned, times=times)
        return await self._sandboxes.take(assignment_of(spec))

    def forget(self, environment_keys: list[str]) -> None:
        """These versions are gone."""
        for key in environment_keys:
            kept = self._kept.pop(key, None)
            if kept is not None:
                kept.image.close()

    def size_bytes(self) -> int:
        """What all images hold together."""
        return sum(kept.image.size_bytes for kept in self._kept.values())

    async def close(self) -> None:
        """Let go of everything."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        self.forget(list(self._kept))

    async def _image(self, spec: EnvironmentSpec) -> MemoryImage | None:
        key = _image_key(spec)
        if key not in self._kept:
            taken = await self.take(spec)
            if taken.status != "success":
                log.warning("no snapshot", action="snapshot.remake", function=spec.function.name, why=taken.message)
        kept = self._kept.get(key)
        if kept is None:
            return None
        kept.used_s = self._clock.monotonic_s()
        return kept.image

    def _drop_unused(self) -> None:
        before_s = self._clock.monotonic_s() - self._options.idle_s
        self.forget([key for key, kept in self._kept.items() if kept.used_s < before_s])

    async def _make(self, spec: EnvironmentSpec) -> SnapshotTaken:
        if not self._options.walls:
            return SnapshotTaken("error", 0, error_type=PLATFORM, message=WALLS_NEEDED)
        try:
            sandbox, assigned = await self._sandboxes.take(_pausing(assignment_of(spec), self._clock))
        except SandboxFailure as error:
            return SnapshotTaken("error", 0, error_type=PLATFORM, message=error.message)
        initialising = _Initialising(sandbox, assigned, spec, self._clock)
        try:
            async with self._relay.open(assigned.listener):
                return await self._keep(initialising, spec)
        finally:
            await initialising.close()

    async def _keep(self, initialising: "_Initialising", spec: EnvironmentSpec) -> SnapshotTaken:
        taken = await initialising.wait(spec.init_timeout_s)
        if taken.status != "success":
            return taken
        try:
            image = await initialising.sandbox.take_image(self._options.folder)
        except SandboxFailure as error:
            return msgspec.structs.replace(taken, status="error", error_type=PLATFORM, message=error.message)
        self.forget([_image_key(spec)])
        self._kept[_image_key(spec)] = Kept(image, self._clock.monotonic_s())
        log.info("snapshot taken", action="snapshot.taken", function=spec.function.name, size_bytes=image.size_bytes)
        return taken


class _Initialising:
    """A function in the init phase that its snapshot is taken after."""

    def __init__(self, sandbox: Sandbox, assigned: Assigned, spec: EnvironmentSpec, clock: Clock) -> None:
        self.sandbox = sandbox
        grant = EnvironmentGrant(spec.environment_id, spec.environment_key, log_level=spec.log_level)
        channel = socket.socket(fileno=assigned.channel)
        self._environment = LiveEnvironment(grant, channel, assigned.output, None, clock)
        self._unused = [each for each in (assigned.memory_gauge, assigned.freezer) if each >= 0]
        self._watch = asyncio.get_running_loop().create_task(self._tell_end())

    async def _tell_end(self) -> None:
        ending = await self.sandbox.wait_ended()
        self._environment.exited(_exit(self._environment.id, ending))

    async def wait(self, timeout_s: float) -> SnapshotTaken:
        """How the init phase ended."""
        outcome = await self._environment.wait_ready(timeout_s)
        lines = list(self._environment.take_lines())
        if outcome.kind is OutcomeKind.READY:
            return SnapshotTaken("success", outcome.duration_us, lines)
        status = "timeout" if outcome.kind is OutcomeKind.TIMEOUT else "error"
        return SnapshotTaken(status, outcome.duration_us, lines, *_cause(outcome))

    async def close(self) -> None:
        """Nothing is left of it when this returns."""
        await self.sandbox.stop()
        await self._watch
        self._environment.close()
        for descriptor in self._unused:
            os.close(descriptor)


def _pausing(assignment: Assignment, clock: Clock) -> Assignment:
    """With credentials that are as good as expired: a client that was made in the init phase reads those of its
    own environment before it signs (botocore renews what has less than 15 minutes left)."""
    variables = dict(assignment.variables)
    if CREDENTIALS_EXPIRE in variables:
        variables[CREDENTIALS_EXPIRE] = iso_seconds(clock.now_s() + INIT_CREDENTIALS_S)
    return msgspec.structs.replace(assignment, pausing=True, variables=variables)


def _exit(environment_id: str, ending: Ending) -> EnvironmentExit:
    return EnvironmentExit(environment_id, ending.exit_status, ending.signal, ending.out_of_memory)


def _cause(outcome: Outcome) -> tuple[str, str]:
    """The error type, and what a person can do something with."""
    if outcome.kind is OutcomeKind.ERROR:
        try:
            message = str(msgspec.json.decode(outcome.payload)["errorMessage"])
        except (msgspec.MsgspecError, TypeError, KeyError):
            message = ""
        return outcome.error_type, message
    if outcome.kind is OutcomeKind.TIMEOUT:
        return "Sandbox.Timedout", "The init phase took longer than it may."
    if outcome.exit is not None and outcome.exit.out_of_memory:
        return "Runtime.OutOfMemory", "The function ran out of memory in its init phase."
    return "Runtime.ExitError", "The runtime process ended in its init phase."


def _image_key(spec: EnvironmentSpec) -> str:
    """What an image is of: the key without the reach, which belongs to the environment and not to its memory."""
    return spec.environment_key.partition(".")[0]


def assignment_of(spec: EnvironmentSpec) -> Assignment:
    """What a sandbox needs to know of an environment."""
    return Assignment(
        runtime=spec.runtime,
        code=spec.code,
        layers=spec.layers,
        handler=spec.handler,
        initialization_type=spec.initialization_type,
        variables=spec.variables,
        memory_mb=spec.memory_mb,
        ephemeral_mb=spec.ephemeral_mb,
        network=spec.network,
        mount=spec.mount,
        container=spec.container,
    )
