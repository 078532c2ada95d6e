"""The zygote: an interpreter with the bootstrap imported (by `tenant`) and no function, forked for each sandbox.

It answers one kind of request, to spawn, with the pid of a new sandbox's first process. The
sandbox comes in two steps, so that it can be made before it is known for whom: `init` builds all
that is the same for every function, `tenant` waits inside for its assignment. The zygote itself
runs no function code, keeps one thread (a fork copies only the thread that calls it) and freezes
its heap, so that the children share its pages for as long as possible.

Request: {"uid", "shared_uid", "hostname", "port", "tmp_mb", "loop", "walls", "by_signals"} with the descriptors
control, assignment, for `by_signals` the pipe of its orders, and the cgroup.procs files to join. Answer:
{"pid", "fork_us"} or {"error"}.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from . import init, walls

REQUESTS = 3
REQUEST_BYTES = 64 * 1024


def spawn(request: dict[str, Any], descriptors: list[int], filters: list[bytes]) -> tuple[int, float]:
    """Fork the first process of a new sandbox; returns its pid and the seconds that it took."""
    started = time.perf_counter()
    pid = walls.fork_into_pid_namespace() if request["walls"] else os.fork()
    if pid == 0:
        os.close(REQUESTS)
        init.run(request, descriptors, filters)
    return pid, time.perf_counter() - started


def serve(requests: socket.socket, filters: list[bytes]) -> None:
    """Answer requests until the agent hangs up."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 16)
        if not message:
            return
        answer = _answer(json.loads(message), descriptors, filters)
        for descriptor in descriptors:
            os.close(descriptor)
        requests.send(json.dumps(answer).encode())


def _answer(request: dict[str, Any], descriptors: list[int], filters: list[bytes]) -> dict[str, Any]:
    try:
        pid, fork_s = spawn(request, descriptors, filters)
    except OSError as error:
        return {"error": str(error)}
    return {"pid": pid, "fork_us": round(fork_s * 1e6)}


def main() -> None:
    """Receive the filters, say that we are ready, and serve."""
    requests = socket.socket(fileno=REQUESTS)
    os.set_inheritable(REQUESTS, False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; the agent watches with pidfds
    for number in (signal.SIGINT, signal.SIGHUP):  # what the terminal sends is the supervisor's to handle
        signal.signal(number, signal.SIG_IGN)
    settings = json.loads(requests.recv(REQUEST_BYTES))
    filters = [base64.b64decode(program) for program in settings["filters"]]
    if settings["walls"]:
        walls.drop_bounding_set()  # once for all sandboxes: none of our children ever gains a capability by an exec
    gc.collect()
    gc.freeze()
    requests.send(json.dumps({"python": sys.version.split()[0]}).encode())
    serve(requests, filters)
