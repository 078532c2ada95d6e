"""Whether a program that was started ahead of its function is as far as it can get: it reads descriptor 4, and waits.

Knows: where the kernel tells in which system call a thread is. Asks nothing of the programs, whose only word is what
they read there (`runtimes/python/guest.py`). Where the kernel does not tell, a program that runs counts as ready.

Source: proc(5), /proc/PID/task/TID/syscall and children.
"""

import platform
from collections.abc import Iterator
from pathlib import Path

ASSIGNMENT = 4
READ_NUMBERS = {"x86_64": "0", "aarch64": "63"}


def waits_for_function(init_pid: int) -> bool:
    """Whether the program below the sandbox's first process, a child of the tenant, waits; False while it boots."""
    number = READ_NUMBERS.get(platform.machine())
    if number is None:
        return True
    programs = [program for tenant in _children(init_pid) for program in _children(tenant)]
    return any(_waits(program, (number, hex(ASSIGNMENT))) for program in programs)


def _waits(pid: int, call: tuple[str, str]) -> bool:
    try:
        return any(tuple(said.split()[:2]) == call for said in _system_calls(pid))
    except PermissionError:
        return True
    except OSError:  # it has ended
        return False


def _system_calls(pid: int) -> Iterator[str]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        yield (thread / "syscall").read_text()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has ended
        return []
