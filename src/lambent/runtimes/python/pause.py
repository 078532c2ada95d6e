"""The moment between the init phase and the first invocation at which a snapshot is taken.

`pause` returns in another process, which has this one's memory (see `restore`), and never in this
one. Around it stands what AWS's runtime does: hooks before the snapshot in the reverse order of
their registration, hooks after the restore in theirs. What the kernel keeps for a process is not in
its memory: descriptors and the like are listed before (`carry`) and made anew after it.

Everything that must differ between two environments of one snapshot is renewed here: credentials,
the thread's number, the state of `random` (and numpy's); OpenSSL and its like renew theirs because
the process has another number. Not renewed: generators that the function made itself, and the hash seed.

Source: Lambda Developer Guide, "Lambda SnapStart runtime hooks for Python"; snapshot-restore-py 1.0.0.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import TYPE_CHECKING

from . import contexts
from .carry import Carried
from .errors import LambdaFault

if TYPE_CHECKING:
    from typing import Any

CHANNEL, HANDOVER = 3, 4
HANDOVER_BYTES = 64 * 1024
HOOKS = "snapshot_restore_py"
_PR_GET_TID_ADDRESS = 40


def before_snapshot() -> None:
    """Run the hooks that the function registered for now."""
    hooks = _hooks("get_before_snapshot")
    while hooks:
        function, arguments, named = hooks.pop()
        function(*arguments, **named)


def after_restore() -> None:
    """Run the hooks that the function registered for a process that has woken up."""
    for function, arguments, named in _hooks("get_after_restore"):
        function(*arguments, **named)


def _hooks(getter: str) -> list[Any]:
    module = sys.modules.get(HOOKS)  # a function that never imported it has registered nothing
    return [] if module is None else getattr(module, getter)()


def prepare() -> Carried:
    """List what the memory does not hold.

    Raises:
        LambdaFault: the function has something that no snapshot can carry.
    """
    try:
        contexts.address_of("swapcontext")
    except AttributeError:
        raise _refusal("this host's C library has no machine contexts; SnapStart needs glibc.") from None
    _check_alone()
    return Carried()


def _check_alone() -> None:
    if len(os.listdir("/proc/self/task")) > 1:
        threading = sys.modules.get("threading")
        names = ", ".join(each.name for each in threading.enumerate()[1:]) if threading else ""
        raise _refusal(
            f"threads are running ({names or 'of a library'}). Stop them in a function registered with "
            "register_before_snapshot, and start them in one registered with register_after_restore."
        )
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        if children.read().strip():
            raise _refusal("child processes are running. End them before the init phase is over.")


def _refusal(why: str) -> LambdaFault:
    return LambdaFault("Runtime.SnapshotError", f"No snapshot can be taken: {why}")


def pause() -> None:
    """Wait to be read; returns in another process."""
    contexts.wait_in("read", CHANNEL, contexts.PAUSE_AT + contexts.PAUSE_BYTES - 64, 1)


def wake_up(carried: Carried) -> None:
    """Be a process of its own, after `pause`.

    Raises:
        OSError: what was open cannot be opened again.
    """
    told = _handed_over()
    contexts.unmap(contexts.PROGRAM_AT, told["program_bytes"])
    contexts.unmap(contexts.PAUSE_AT, contexts.PAUSE_BYTES)
    _take_number()
    carried.make_anew()
    os.environ.update(told["variables"])
    _renew_random()


def _handed_over() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(os.read(HANDOVER, HANDOVER_BYTES))
    os.close(HANDOVER)
    return told


def _take_number() -> None:
    """Tell libc and `threading` the number of this process's one thread; the memory has the other's."""
    where, number = ctypes.c_void_p(), os.getpid()
    if contexts.libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(where), 0, 0, 0) == 0 and where.value:
        ctypes.c_int.from_address(where.value).value = number
    threading = sys.modules.get("threading")
    if threading is not None:
        threading.main_thread()._set_native_id()


def _renew_random() -> None:
    for name in ("random", "numpy.random"):
        module = sys.modules.get(name)
        if module is not None:
            module.seed()
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 0.0)  # where processes have the same number, as without a PID namespace they may
