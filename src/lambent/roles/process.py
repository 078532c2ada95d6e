"""How the process of a part begins, when it has been forked: whose it is, what it may hold, what it is called.

A part dies with its supervisor, whatever kills that.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable

import structlog
from setproctitle import setproctitle

from lambent.config import Settings
from lambent.errors import Hopeless, lacks_room
from lambent.roles.logging import set_up_logging

PR_SET_PDEATHSIG = 1
FAILED, HOPELESS = (
    1,
    78,
)  # the exit codes of a part; the second, EX_CONFIG of sysexits.h: starting it again would not help

log = structlog.get_logger()


def begin(name: str, settings: Settings, parent: int) -> None:
    """From here on this process is the part `name` of the supervisor `parent`."""
    die_with_parent(parent)
    raise_open_files()
    setproctitle(f"lambent {name} --data {settings.data}")
    set_up_logging(settings, name.replace(" ", "-"))


def die_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent ends; at once if it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def raise_open_files() -> None:
    """As many as we are allowed: an edge holds six for each environment. What is in a sandbox has its own limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def live(body: Callable[[], None]) -> None:
    """Do what the part is for. What only the operator can mend is said in a line, without where it happened."""
    try:
        body()
    except Exception as error:
        hopeless = isinstance(error, Hopeless)
        if not hopeless and not lacks_room(error):
            raise
        log.error("cannot go on", action="part.cannot", reason=str(error))
        raise SystemExit(HOPELESS if hopeless else FAILED) from None
