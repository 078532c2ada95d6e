"""The bootstrap of Python functions: what the zygote's child runs once its walls stand.

This file is only the door. The runtime itself is the small modules beside it, loaded as a private
package, because they share an interpreter with the function: a module of ours named `context` or
`errors` must never be what the function gets when it imports its own. For the same reason `run`
takes this module's name, and the zygote's, out of the interpreter's list of modules.

Everything is loaded when this file is imported, which the zygote does before it forks: nothing
is read from here any more once a sandbox stands.

Rules for every module beside this one: the standard library only, CPython 3.9 to 3.14, and
nothing of Lambent's.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

PACKAGE = "_lambent_runtime"
CHANNEL, ASSIGNMENT = 3, 4


def main() -> NoReturn:
    """Serve as a program of its own, which a function's wrapper has started: the assignment waits on a descriptor, and
    the variables are there."""
    with open(ASSIGNMENT, "rb") as pipe:
        told = json.loads(pipe.read())
    os.set_inheritable(CHANNEL, False)
    os.chdir(told["task_root"])
    run(CHANNEL, told["handler"], told["initialization_type"])


def _load() -> ModuleType:
    """The module that does the work, as a member of the private package."""
    if PACKAGE not in sys.modules:
        package = ModuleType(PACKAGE)
        package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
        sys.modules[PACKAGE] = package
    return import_module(PACKAGE + ".loop")


def run(channel_fd: int, handler: str, initialization_type: str, *, pausing: bool = False) -> NoReturn:
    """Serve invocations of `handler` on the channel until the environment ends; with `pausing`, wait to be
    read after the init phase and serve in whatever process goes on from there.

    The walls stand: the variables are in os.environ, the working directory is the task root,
    descriptors 1 and 2 are the output pipe, `channel_fd` is the stream socket. Never returns,
    whatever the function does; the process ends as the function's own interpreter would.
    """
    for name in (__name__, "__main__", "zygote"):
        sys.modules.pop(name, None)
    sys.modules["__main__"] = ModuleType("__main__")  # so that multiprocessing finds nothing to run again
    _loop.serve(channel_fd, handler, initialization_type, pausing=pausing)
    raise AssertionError("serve does not return")


if __name__ == "__main__":  # our modules have no names that the standard library's could be taken for
    ours = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != ours]
_loop = _load()
if __name__ == "__main__":
    main()
