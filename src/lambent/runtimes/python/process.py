"""How the runtime process ends, when its end is not `os._exit` or a signal.

We are a fork with the zygote's frames below us, so an exception must not travel up as it would
in an interpreter of its own. `end` does what the interpreter does at its end: other threads are
joined, atexit runs, the streams are flushed, and the exit status is the same.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import TYPE_CHECKING

from .errors import without_ours

if TYPE_CHECKING:
    from typing import NoReturn

FAILED = 1
INTERRUPTED = 130


def end(error: BaseException) -> NoReturn:
    """End the process as an interpreter does that nobody caught `error` in."""
    status = FAILED
    try:
        status = _status(error)
        _finish()
    finally:
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)  # does nothing to the first process of a namespace
            status = INTERRUPTED
        os._exit(status)


def leave() -> NoReturn:
    """End quietly: the platform has hung up, and nobody waits for anything."""
    os._exit(0)


def _status(error: BaseException) -> int:
    if not isinstance(error, SystemExit):
        error.__traceback__ = without_ours(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        return FAILED
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return FAILED


def _finish() -> None:
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, or replaced by the function
            continue
