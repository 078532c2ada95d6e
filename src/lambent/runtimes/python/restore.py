"""Gives this process the memory of another that was initialised before, and goes on where that one paused.

Both are forks of one zygote. So they have the same libraries at the same addresses, the same vdso,
the same thread area and the same registrations with the kernel, and only what each has written
since differs. The agent has read the other's memory into a file, page by page as it was (the
image), and describes it in a plan; here the plan becomes a list of calls: take away what only we
have, map what the other had, private and from the image, so that all who restore the same image share
its pages until they write. `contexts` makes the calls, because no Python can run meanwhile.

The walls stand before the first call is made: nothing here needs or has a right that the function
has not, and what the image holds is believed no more than the function itself is.

The plan: {"brk", "areas": [[start, end, protection, shared, wiped, path, offset, [[start, size, offset], ...]], ...]};
`path` is "" for memory without a file, "[stack]" for the stack. What is handed over: see `pause`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from . import contexts
from .contexts import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED

if TYPE_CHECKING:
    from typing import Any, NoReturn

    Area = tuple[int, int, int, bool, bool, str, int, list[list[int]]]

STACK = "[stack]"
THE_KERNELS = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]")
MADV_WIPEONFORK = 18
OWN_MAPS = "/proc/self/maps"


def become(image: int, plan: int, handover: dict[str, Any], handover_at: int) -> NoReturn:
    """Turn into the process of the image behind the descriptor `image`; never returns.

    Raises:
        OSError: a file of the function that was mapped cannot be opened.
    """
    told = json.loads(os.pread(plan, os.fstat(plan).st_size, 0))  # others read at the same descriptor: it has no place
    os.close(plan)
    calls, opened = _calls(told, image)
    calls += [(contexts.address_of("close"), each) for each in (*opened, image)]
    handover["program_bytes"] = contexts.program_bytes(len(calls))
    reader, writer = os.pipe()
    os.write(writer, json.dumps(handover).encode())  # a few KB: credentials are all that it may hold
    os.close(writer)
    os.dup2(reader, handover_at)
    if reader != handover_at:
        os.close(reader)
    contexts.run_program(calls, contexts.PAUSE_AT)
    raise AssertionError("the memory was not replaced")


def _calls(told: dict[str, Any], image: int) -> tuple[list[tuple[int, ...]], list[int]]:
    """What to call, and the files opened for it."""
    areas: list[Area] = [tuple(area) for area in told["areas"]]
    with open(OWN_MAPS) as file:
        own = [_parsed(line) for line in file]
    identities = {entry[2] for entry in own}
    kept = {area[:2] for area in areas if not area[7] and _identity(area) in identities}
    files: dict[tuple[str, bool], int] = {}
    calls: list[tuple[int, ...]] = [(contexts.address_of("brk"), told["brk"])]
    calls += _unmapped([entry[:2] for entry in own if entry[3] not in (*THE_KERNELS, STACK)], areas)
    for area in areas:
        if area[:2] not in kept:
            calls += _mapped(area, image, files)
    return calls, list(files.values())


def _parsed(line: str) -> tuple[int, int, tuple[Any, ...], str]:
    """Start, end, what makes two mappings of files the same, and the name of a line of /proc/self/maps."""
    parts = line.rstrip("\n").split(None, 5)
    start, _, end = parts[0].partition("-")
    path = parts[5] if len(parts) > 5 else ""
    first, last, letters = int(start, 16), int(end, 16), parts[1]
    identity = (first, last, _protection(letters), path, int(parts[2], 16)) if path.startswith("/") else ()
    return first, last, identity, path


def _protection(letters: str) -> int:
    return sum(bit for bit, letter in ((1, "r"), (2, "w"), (4, "x")) if letter in letters)


def _identity(area: Area) -> tuple[Any, ...]:
    return (area[0], area[1], area[2], area[5], area[6])


def _unmapped(own: list[tuple[int, ...]], areas: list[Area]) -> list[tuple[int, ...]]:
    """Calls that take away what lies in `own` and in none of `areas`; the rest is replaced in one step each."""
    function = contexts.address_of("munmap")
    calls: list[tuple[int, ...]] = []
    for start, end in own:
        at = start
        for area in areas:
            if area[1] <= at or area[0] >= end:
                continue
            if area[0] > at:
                calls.append((function, at, area[0] - at))
            at = area[1]
        if at < end:
            calls.append((function, at, end - at))
    return calls


def _mapped(area: Area, image: int, files: dict[tuple[str, bool], int]) -> list[tuple[int, ...]]:
    """Calls that make `area` what it was."""
    start, end, protection, shared, wiped, path, offset, pages = area
    mmap, pread = contexts.address_of("mmap"), contexts.address_of("pread")
    if path == STACK:
        return [(pread, image, first, size, at) for first, size, at in pages]
    fixed, size = MAP_FIXED | (MAP_SHARED if shared else MAP_PRIVATE), end - start
    if shared and not path:
        base = (mmap, start, size, protection, fixed | MAP_ANONYMOUS, -1, 0)
        return [base, *((pread, image, first, length, at) for first, length, at in pages)]
    calls: list[tuple[int, ...]] = []
    if sum(length for _, length, _ in pages) < size:
        source = (_opened(path, shared and bool(protection & 2), files), offset) if path else (-1, 0)
        calls.append((mmap, start, size, protection, fixed | (0 if path else MAP_ANONYMOUS), *source))
    if wiped:
        calls.append((contexts.address_of("madvise"), start, size, MADV_WIPEONFORK))
    calls += [(mmap, first, length, protection, fixed, image, at) for first, length, at in pages]
    return calls


def _opened(path: str, writable: bool, files: dict[tuple[str, bool], int]) -> int:
    known = files.get((path, writable))
    if known is None:
        known = files[path, writable] = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
    return known
