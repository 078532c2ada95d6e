"""The supervisor: starts the parts, starts again what dies, stops all in order.

It owns the listening socket, so that no connection is refused while an edge is restarted. A part is started
again, and the supervisor ends, when nothing lives any more that the dead part had started.

Parts are forks of it: it has loaded what they are made of, once for all of them, and looked at the host. It has one
thread and serves nobody, so that it can fork at any time (`forked`).
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable

import structlog
import uvloop

from lambent.clock import SystemClock
from lambent.config import Settings
from lambent.errors import Hopeless
from lambent.gateway.http.least_connections import shared_counts
from lambent.loops import Loops
from lambent.roles.agent import be_agent
from lambent.roles.agent_sandboxes import remove_groups
from lambent.roles.control import run_control
from lambent.roles.edge import run_edge
from lambent.roles.logging import set_up_logging
from lambent.roles.orphans import Orphans
from lambent.roles.part import AGENT, Part
from lambent.roles.premises import check_files, check_open_files, clear_run, listen, take_data
from lambent.roles.process import begin, live
from lambent.roles.tls import TlsKeeper
from lambent.sandbox import delegation, doctor
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.launch import look_at_host
from lambent.sandbox.user_namespace import is_host_root

KILL_AFTER_S = 1.5
STOP_S, UNWIND_S = 8.0, 2.0  # when the agent is killed: of the promised ten seconds, or after a longer drain
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the last when a terminal is closed

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Serve until one of ENDING; the exit code of `lambent serve`."""
    set_up_logging(settings, "supervisor")
    try:
        if settings.isolation == "sandbox":
            doctor.require_sandboxes()
            if settings.network == "egress":
                doctor.require_egress()
        settings = settings.model_copy(update={"data": settings.data.resolve()})
        check_open_files()
        check_files(settings)
        lock = take_data(settings.data)
        TlsKeeper(settings, SystemClock())  # each edge makes its own; this one says at once what is wrong
        listener = listen(settings.host, settings.port)
    except (SandboxFailure, OSError, Hopeless) as error:
        sys.stderr.write(f"lambent: {error}\n")
        return 1
    try:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        walled_user = settings.isolation == "sandbox" and not is_host_root()
        with delegation.settled() if walled_user else contextlib.nullcontext():
            return asyncio.run(_supervise(settings, listener))
    finally:
        listener.close()
        os.close(lock)


async def _supervise(settings: Settings, listener: socket.socket) -> int:
    clock, stopping = SystemClock(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has SIGHUP
            loop.add_signal_handler(number, stopping.set)
    host, supervisor, descriptor = look_at_host(), os.getpid(), listener.fileno()
    counts = shared_counts(settings.edges)

    def part(name: str, body: Callable[[], None], kept: tuple[int, ...] = ()) -> Part:
        def begun() -> None:
            begin(name, settings, supervisor)
            live(body)

        return Part(name, begun, kept, orphans, clock, give_up=stopping.set)

    def edge(number: int) -> Part:
        def body() -> None:
            uvloop.run(run_edge(settings, number, descriptor, counts))

        return part(f"edge {number}", body, (descriptor,))

    parts: list[Part] = []
    orphans = Orphans(lambda: {each.pid for each in parts if each.pid is not None}, clock)
    orphans.adopt()
    agent = part(AGENT, lambda: be_agent(settings, host))
    control = part("control", lambda: uvloop.run(run_control(settings, host)))
    edges = [edge(number) for number in range(settings.edges)]
    parts += [agent, control, *edges]
    loops = Loops(clock)
    for each in parts:
        loops.begin(each.name, each.run)
    loops.begin("orphans", orphans.run)
    log.info("starting", action="supervisor.start", host=settings.host, port=settings.port, data=str(settings.data))
    await stopping.wait()
    log.info("stopping", action="supervisor.stop", running_invocations_have_s=settings.drain_s)
    deadline_s = clock.monotonic_s() + max(STOP_S, settings.drain_s + UNWIND_S)
    await asyncio.gather(*(edge.stop(settings.drain_s) for edge in edges))
    await control.stop(KILL_AFTER_S)
    await agent.stop(deadline_s - clock.monotonic_s())
    await orphans.clear()
    if agent.fell:
        remove_groups(settings)
    await loops.close()
    clear_run(settings.run)
    return int(any(each.hopeless for each in parts))
