"""Uids that no other agent of this host gives to its environments.

Theory: the kernel counts much for each uid over the whole host: processes, pending signals, pipes, watches of files.
Two environments that share one could use it up for each other. So an agent takes a range for itself while it lives:
it locks as many bytes of one file of the host, from the byte whose number is the first uid. Ranges that begin anywhere
are kept apart by that, and the kernel gives back what a dead agent held.

Does not know: agents in containers with a /run of their own. What could be starved there is bounded by control groups.

Source: fcntl(2), "Open file description locks".
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import structlog

from lambent.sandbox.api import SandboxFailure

CLAIMS = Path("/run/lambent/uids")
HOST_UIDS = 100_000  # of one agent
MOST_AGENTS = 1_000
HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES)

log = structlog.get_logger()


@contextlib.contextmanager
def claimed(first: int, claims: Path = CLAIMS) -> Iterator[int]:
    """The first uid of a range that is ours inside: `first` itself, or so many ranges further.

    Raises:
        SandboxFailure: all are taken.
    """
    try:
        claims.parent.mkdir(mode=0o755, exist_ok=True)
        descriptor = os.open(claims, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        log.warning("uids may be those of another server", action="agent.uids", error=str(error))
        yield first
        return
    try:
        yield _first_free(descriptor, first)
    finally:
        os.close(descriptor)


def _first_free(descriptor: int, first: int) -> int:
    for start in range(first, first + MOST_AGENTS * HOST_UIDS, HOST_UIDS):
        if _lock(descriptor, start):
            return start
    raise SandboxFailure(f"Other servers hold all uids from {first} on; `sandbox_uid_base` says where ours begin.")


def _lock(descriptor: int, start: int) -> bool:
    wanted = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, start, HOST_UIDS, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except OSError as error:
        if error.errno not in HELD_BY_ANOTHER:
            raise
        return False
    return True
