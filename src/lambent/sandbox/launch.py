"""How the process of each runtime is started inside a sandbox, and which channel it speaks.

Every sandbox is a fork of a Python zygote, whatever runs in it in the end: what differs is the last step. A runtime
with `programs` replaces the fork by the first of them that is there, and speaks HTTP (the Runtime API); one without
stays in the interpreter, and speaks frames.

Source: Lambda Developer Guide, "Building a custom runtime" (`bootstrap`, in the package or else in a layer).
"""

from collections.abc import Mapping

from msgspec import Struct

from lambent.sandbox.interpreters import Interpreter, interpreter_for

OS_ONLY = ("provided.al2", "provided.al2023")
BOOTSTRAPS = ("/var/task/bootstrap", "/opt/bootstrap")


class Launch(Struct, frozen=True):
    """The zygote to fork, and what the fork becomes."""

    interpreter: Interpreter
    programs: tuple[str, ...] = ()


def launch_of(runtime: str, found: Mapping[str, Interpreter], *, fallback: bool) -> Launch | None:
    """How to start `runtime` with the interpreters of this host; None when it cannot be."""
    if runtime in OS_ONLY:
        return Launch(max(found.values(), key=lambda each: each.version), BOOTSTRAPS) if found else None
    interpreter = interpreter_for(runtime, found, fallback=fallback)
    return None if interpreter is None else Launch(interpreter)
