"""The memory of an initialised function, read once, so that others can go on from where it stands.

Theory. Every environment of one interpreter is a fork of the same zygote: same libraries at the
same addresses, same vdso, same thread area, same registrations with the kernel. What tells an
initialised function from a sandbox that waits ready-made is therefore only what stands in its
private pages. An image is a file of those pages and a list of the areas they belong to; a ready-made
sandbox maps the file over itself (`runtimes/python/restore.py`) behind walls of its own, and goes on
where the other paused. It never was a child of the other, so the two share nothing but pages of a
file that neither can write.

Knows: /proc of a paused process. Does not know functions, nor when an image is made or thrown
away. An image is of use only to forks of the zygote that it came from, its `lineage`.

The file has no name and lies on disk, so that the kernel can take its pages out of memory when it
needs room, and nothing is left when the agent ends.

Source: proc_pid_maps(5), proc_pid_pagemap(5), proc_pid_syscall(5). Why so: docs/decisions/0010-snapstart.md.
"""

import asyncio
import os
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from lambent.clock import Clock
from lambent.sandbox.api import SandboxFailure

PAUSE_AT, PAUSE_BYTES = 0x30_0000_0000, 64 * 1024  # `runtimes/python/contexts.py`
PAUSE_ATTEMPTS, PAUSE_RETRY_S = 2000, 0.001
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PRESENT, SWAPPED, OF_FILE = 1 << 63, 1 << 62, 1 << 61
READ_BYTES = 4 * 1024 * 1024
BRK_FIELD = 44  # start_brk is field 47 of /proc/PID/stat, counted from behind the name
THE_KERNELS = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]")
STACK, HEAP = "[stack]", "[heap]"
DELETED = " (deleted)"
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ([rwxps-]{4}) ([0-9a-f]+) \S+ (\d+) *(.*)")


class Area(Struct, frozen=True, array_like=True):
    """One mapping. `pages` are (start, bytes, offset in the image); `path` is "" for memory without a file."""

    start: int
    end: int
    protection: int
    shared: bool
    wiped: bool
    path: str
    offset: int
    pages: list[tuple[int, int, int]]


class Plan(Struct, frozen=True):
    """What `restore.py` reads."""

    brk: int
    areas: list[Area]


class MemoryImage:
    """An image, and the descriptors of its two files. Closed by its owner, `close`; idempotent."""

    def __init__(self, image: int, plan: int, lineage: str, size_bytes: int) -> None:
        self.descriptors = (image, plan)
        self.lineage, self.size_bytes = lineage, size_bytes

    def close(self) -> None:
        """Let go of the files; who has mapped them keeps them."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = ()  # type: ignore[assignment]


async def take_image(init_pid: int, folder: Path, lineage: str, clock: Clock) -> MemoryImage:
    """The image of the one process below `init_pid`.

    Raises:
        SandboxFailure: it does not pause, or is not alone.
    """
    pid = await _paused_process(init_pid, clock)
    try:
        return await asyncio.to_thread(_read, pid, folder, lineage)
    except OSError as error:
        raise SandboxFailure(f"The function's memory could not be read: {error}") from error
    except UnicodeDecodeError as error:
        raise SandboxFailure("The function has mapped a file into its memory whose name is not UTF-8.") from error


async def _paused_process(init_pid: int, clock: Clock) -> int:
    for _ in range(PAUSE_ATTEMPTS):
        try:
            pid = _only_child(init_pid)
            if pid is not None and _pauses(pid):
                return pid
        except OSError as error:
            raise SandboxFailure(f"The function ended before its snapshot was taken: {error}") from error
        await clock.sleep(PAUSE_RETRY_S)
    raise SandboxFailure("The function did not come to rest after its init phase, or left processes behind.")


def _only_child(pid: int) -> int | None:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(pids[0]) if len(pids) == 1 else None


def _pauses(pid: int) -> bool:
    """Whether its only thread waits on the stack that the runtime pauses on: /proc/PID/syscall ends in SP and PC."""
    words = Path(f"/proc/{pid}/syscall").read_text().split()
    alone = len(os.listdir(f"/proc/{pid}/task")) == 1
    return alone and len(words) == 9 and PAUSE_AT <= int(words[7], 16) < PAUSE_AT + PAUSE_BYTES


def _read(pid: int, folder: Path, lineage: str) -> MemoryImage:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    image = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    plan = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        reader = _Reader(pid, image)
        try:
            areas = list(reader.areas())
        finally:
            reader.close()
        brk = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[BRK_FIELD])
        os.write(plan, msgspec.json.encode(Plan(max(brk, reader.heap_end), areas)))
        os.lseek(plan, 0, os.SEEK_SET)
    except BaseException:
        os.close(image)
        os.close(plan)
        raise
    return MemoryImage(image, plan, lineage, reader.at)


class _Reader:
    """Copies a process's own pages to the end of the image."""

    def __init__(self, pid: int, image: int) -> None:
        self._pid, self._image = pid, image
        self.at, self.heap_end = 0, 0
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        self._pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._memory)
        os.close(self._pagemap)

    def areas(self) -> Iterator[Area]:
        """All that the plan has to name."""
        text = Path(f"/proc/{self._pid}/smaps").read_bytes().decode()
        for start, end, letters, offset, name, wiped in _mappings(text):
            if name in THE_KERNELS:
                continue
            if name == HEAP:
                self.heap_end = end
            shared = letters[3] == "s"
            path = name if (name.startswith("/") and not name.endswith(DELETED)) or name == STACK else ""
            protection = sum(bit for bit, letter in ((1, "r"), (2, "w"), (4, "x")) if letter in letters)
            pages = [] if wiped or (shared and path) else list(self._copied(start, end, shared=shared))
            yield Area(start, end, protection, shared, wiped, path, offset if path else 0, pages)

    def _copied(self, start: int, end: int, *, shared: bool) -> Iterator[tuple[int, int, int]]:
        for first, last in _runs(self._flags(start, end), shared=shared):
            at, size, begin = start + first * PAGE_BYTES, (last - first) * PAGE_BYTES, self.at
            while size > self.at - begin:
                done = self.at - begin
                data = os.pread(self._memory, min(READ_BYTES, size - done), at + done)
                if not data:
                    raise OSError(f"no memory at {at + done:#x}")
                self.at += os.pwrite(self._image, data, self.at)
            yield at, size, begin

    def _flags(self, start: int, end: int) -> tuple[int, ...]:
        count = (end - start) // PAGE_BYTES
        return struct.unpack(f"{count}Q", os.pread(self._pagemap, count * 8, start // PAGE_BYTES * 8))


def _runs(flags: Iterable[int], *, shared: bool) -> Iterator[tuple[int, int]]:
    """Neighbouring pages that are the process's own: [first, last)."""
    begun, number = -1, -1
    for number, flag in enumerate(flags):
        own = bool(flag & (PRESENT | SWAPPED)) and (shared or not flag & OF_FILE)
        if own and begun < 0:
            begun = number
        if not own and begun >= 0:
            yield begun, number
            begun = -1
    if begun >= 0:
        yield begun, number + 1


def _mappings(text: str) -> Iterator[tuple[int, int, str, int, str, bool]]:
    """(start, end, letters, offset, name, wiped on fork) of each mapping in the text of /proc/PID/smaps."""
    entry: tuple[int, int, str, int, str] | None = None
    for line in text.split("\n"):  # of all that ends a line for Python, the kernel escapes only this in a name
        if line.startswith("VmFlags:") and entry is not None:
            yield *entry, " wf" in line
            entry = None
        elif not line[:1].isupper() and (head := _HEAD.fullmatch(line)):
            entry = int(head[1], 16), int(head[2], 16), head[3], int(head[4], 16), head[6]
