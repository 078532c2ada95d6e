"""Machine contexts as libc keeps them, chained into a program without any machine code of ours.

A context (`getcontext`, `makecontext`) is one call of one C function on a stack of its own, and a
link to what goes on when that call returns. A row of linked contexts is therefore a list of calls
that needs nothing but its own memory and the text of libc: it can replace all other memory of the
process, the interpreter's included, and go on in what it has put there. `restore` does that;
`pause` waits as the last link of such a chain.

Both areas lie where no Linux process has anything: above a program without ASLR, below the
programs, libraries and stacks of every architecture, also of those with 39 bits of addresses.

Source: the manual pages getcontext(3) and makecontext(3); that whole registers may be passed is
glibc's word for 64-bit machines. musl has no contexts, so there this module cannot be imported.
"""

from __future__ import annotations

import ctypes
import os

PROGRAM_AT, PAUSE_AT = 0x20_0000_0000, 0x30_0000_0000
PAUSE_BYTES = 64 * 1024
# One context with its registers (ucontext_t: 968 bytes on x86-64, 4,560 on arm64), and the stack of its one call.
_STACK_AT, CONTEXT_BYTES = (1024, 2048) if os.uname().machine == "x86_64" else (5120, 8192)
PROT_READ, PROT_WRITE = 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE = 1, 2, 0x10, 0x20, 0x100000

libc = ctypes.PyDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class _Stack(ctypes.Structure):
    """stack_t."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


class _Context(ctypes.Structure):
    """The head of ucontext_t, which every architecture has alike."""

    _fields_ = (("flags", ctypes.c_ulong), ("link", ctypes.c_void_p), ("stack", _Stack))


def address_of(name: str) -> int:
    """Where libc's function `name` is. Raises AttributeError when this libc has none."""
    return ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0


def map_at(start: int, size: int) -> None:
    """Fresh memory at exactly `start`, where nothing may be yet."""
    flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
    if libc.mmap(start, size, PROT_READ | PROT_WRITE, flags, -1, 0) != start:
        raise OSError(ctypes.get_errno(), f"no memory at {start:#x}")


def unmap(start: int, size: int) -> None:
    """Let go of what `map_at` gave."""
    libc.munmap(start, size)


def make_call(at: int, then: int, function: int, arguments: tuple[int, ...], stack: tuple[int, int]) -> None:
    """Write to `at` the context that calls `function`, on `stack` (start, size), and goes on with the one at `then`."""
    libc.getcontext(ctypes.c_void_p(at))
    context = _Context.from_address(at)
    context.link = then
    context.stack.start, context.stack.size = stack
    libc.makecontext(
        ctypes.c_void_p(at), ctypes.c_void_p(function), len(arguments), *(ctypes.c_long(each) for each in arguments)
    )


def run_program(calls: list[tuple[int, ...]], then: int) -> None:
    """Make `calls` (function, arguments...) in their order and go on with the context at `then`; never returns."""
    map_at(PROGRAM_AT, (len(calls) + 1) * CONTEXT_BYTES)
    for number, (function, *arguments) in enumerate(calls):
        at = PROGRAM_AT + number * CONTEXT_BYTES
        follows = at + CONTEXT_BYTES if number + 1 < len(calls) else then
        make_call(at, follows, function, tuple(arguments), (at + _STACK_AT, CONTEXT_BYTES - _STACK_AT))
    libc.setcontext(ctypes.c_void_p(PROGRAM_AT))


def program_bytes(calls: int) -> int:
    """The size of the memory that `run_program` has used for so many calls."""
    return (calls + 1) * CONTEXT_BYTES


def wait_in(function: str, *arguments: int) -> None:
    """Call `function` of libc on a stack at PAUSE_AT; everything else of this thread stands in the context there.

    Returns when the call does, or when somebody goes on with the context at PAUSE_AT, in this process or in
    another that has its memory.
    """
    map_at(PAUSE_AT, PAUSE_BYTES)
    waiting = PAUSE_AT + 2 * CONTEXT_BYTES
    stack = waiting + 2 * CONTEXT_BYTES
    make_call(waiting, PAUSE_AT, address_of(function), arguments, (stack, PAUSE_AT + PAUSE_BYTES - 4096 - stack))
    libc.swapcontext(ctypes.c_void_p(PAUSE_AT), ctypes.c_void_p(waiting))
