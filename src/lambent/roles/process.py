"""The start of one part's process: `python -m lambent.roles.process PART SETTINGS_FILE [NUMBER]`.

The supervisor starts parts by it. A part dies with its supervisor, whatever kills that.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from lambent.config import Settings
from lambent.roles.logging import set_up_logging

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM when the parent ends; at once if it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def raise_open_files() -> None:
    """As many as we are allowed: an edge holds six for each environment. What is in a sandbox has its own limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: list[str]) -> None:
    """Be the part that `arguments` name."""
    part, settings_file, number, parent = arguments[0], arguments[1], int(arguments[2]), int(arguments[3])
    die_with_parent(parent)
    raise_open_files()
    settings = Settings.model_validate_json(Path(settings_file).read_bytes())
    set_up_logging(settings, part if part != "edge" else f"edge-{number}")
    # Each part imports only what it needs: an agent has no use for the service models.
    import uvloop

    if part == "agent":
        from lambent.roles.agent import be_agent

        be_agent(settings)
    elif part == "control":
        from lambent.roles.control import run_control

        uvloop.run(run_control(settings))
    else:
        from lambent.roles.edge import run_edge

        uvloop.run(run_edge(settings, number, listener_descriptor=int(arguments[4])))


if __name__ == "__main__":
    main(sys.argv[1:])
