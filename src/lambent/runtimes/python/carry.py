"""What the kernel keeps for a process and a snapshot of its memory lacks: listed before, made anew after.

Descriptors keep their numbers. Files are opened again where they stood, files without a name and all
of /tmp come with their content; pipes, pairs of sockets, event counters and epoll sets are made
again, so that an event loop made in the init phase goes on. A connection to anywhere else is not there
any more: its descriptor becomes a socket that is not connected, which libraries take for a lost
connection and replace, as they have to on AWS. Whatever else is open is refused, by name.

Nothing of this is shared between environments: each makes its own.
"""

from __future__ import annotations

import array
import fcntl
import io
import os
import re
import select
import signal
import socket
import stat
import tarfile
import termios
from typing import TYPE_CHECKING

from .errors import LambdaFault

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FIRST = 5  # 0 to 3 are the runtime's, 4 is the hand-over's
TMP = "/tmp"  # noqa: S108 - the environment's own
# Early releases of 3.11 and before have no filters, and need none.
_AS_IT_WAS: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}
MOST_BYTES = 64 * 1024 * 1024
REOPENED_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_DIRECTORY | os.O_NOATIME
_TARGET = re.compile(r"tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)")


class Carried:
    """Made before the snapshot; `make_anew` is called once in each process that was restored from it."""

    def __init__(self) -> None:
        self._folder, self._umask = os.getcwd(), os.umask(0o077)
        os.umask(self._umask)
        self._handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        self._tmp = _packed_tmp()
        self._makers: list[Callable[[], None]] = []
        self._last: list[Callable[[], None]] = []
        self._flags: dict[int, tuple[int, int]] = {}
        self._ends: dict[str, list[int]] = {}
        for descriptor in _open_descriptors():
            self._list(descriptor)
        for name, ends in self._ends.items():
            self._makers.append(_pipe_maker(name, ends) if name.startswith("pipe") else _pair_maker(ends))

    def make_anew(self) -> None:
        """Open and set everything again. Raises OSError."""
        if self._tmp:
            with tarfile.open(fileobj=io.BytesIO(self._tmp)) as packed:
                packed.extractall(TMP, **_AS_IT_WAS)  # noqa: S202 - the function's own files
        os.chdir(self._folder)
        os.umask(self._umask)
        for number, handler in self._handlers.items():
            if callable(handler) or (handler is signal.SIG_IGN):
                signal.signal(number, handler)
        for make in (*self._makers, *self._last):
            make()
        for descriptor, (status, inherited) in self._flags.items():
            fcntl.fcntl(descriptor, fcntl.F_SETFL, status)
            fcntl.fcntl(descriptor, fcntl.F_SETFD, inherited)

    def _list(self, descriptor: int) -> None:
        target, kind = os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor).st_mode
        self._flags[descriptor] = fcntl.fcntl(descriptor, fcntl.F_GETFL), fcntl.fcntl(descriptor, fcntl.F_GETFD)
        if stat.S_ISSOCK(kind):
            self._list_socket(descriptor)
        elif stat.S_ISFIFO(kind) and target.startswith("pipe:"):
            self._ends.setdefault(target, []).append(descriptor)
        elif stat.S_ISREG(kind) and (target.endswith(" (deleted)") or not target.startswith("/")):
            self._makers.append(_nameless_maker(descriptor))
        elif target.startswith("/"):
            self._makers.append(_file_maker(descriptor, target))
        elif "[eventfd]" in target:
            self._makers.append(_counter_maker(descriptor))
        elif "[eventpoll]" in target:
            self._last.append(_epoll_maker(descriptor))
        else:
            raise _refusal(f"descriptor {descriptor} is {target}, which cannot be made again. Close it before the end")

    def _list_socket(self, descriptor: int) -> None:
        with socket.socket(fileno=os.dup(descriptor)) as known:
            if known.family != socket.AF_UNIX or known.getsockname():
                self._makers.append(_lost_connection_maker(descriptor, known))
                return
        # The two ends of a pair are made one after the other, and so are their numbers.
        inode = os.fstat(descriptor).st_ino
        for name in (f"pair:{inode - 1}", f"pair:{inode + 1}"):
            if name in self._ends and len(self._ends[name]) == 1:
                self._ends[name].append(descriptor)
                return
        self._ends[f"pair:{inode}"] = [descriptor]


def _refusal(why: str) -> LambdaFault:
    return LambdaFault("Runtime.SnapshotError", f"No snapshot can be taken: {why} of the init phase.")


def _open_descriptors() -> list[int]:
    with os.scandir("/proc/self/fd") as entries:
        found = sorted(int(entry.name) for entry in entries)
    return [each for each in found if each >= FIRST - 1 and _is_open(each)]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:  # it was that of the listing
        return False
    return True


def _place(made: int, wanted: int) -> None:
    if made != wanted:
        os.dup2(made, wanted)
        os.close(made)


def _aside(made: int, wanted: list[int]) -> int:
    """`made` under a number above all that are `wanted`, so that placing one end never closes the other."""
    moved = fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, max(wanted) + 1)
    os.close(made)
    return moved


def _file_maker(descriptor: int, path: str) -> Callable[[], None]:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL) & REOPENED_FLAGS
    position = os.lseek(descriptor, 0, os.SEEK_CUR) if stat.S_ISREG(os.fstat(descriptor).st_mode) else 0

    def make() -> None:
        _place(os.open(path, flags), descriptor)
        if position:
            os.lseek(descriptor, position, os.SEEK_SET)

    return make


def _nameless_maker(descriptor: int) -> Callable[[], None]:
    size, position = os.fstat(descriptor).st_size, os.lseek(descriptor, 0, os.SEEK_CUR)
    if size > MOST_BYTES:
        raise _refusal(
            f"a file without a name holds {size} bytes ({MOST_BYTES} can be carried); close it before the end"
        )
    content = os.pread(descriptor, size, 0)

    def make() -> None:
        made = os.open(TMP, os.O_TMPFILE | os.O_RDWR, 0o600)
        os.write(made, content)
        os.lseek(made, position, os.SEEK_SET)
        _place(made, descriptor)

    return make


def _counter_maker(descriptor: int) -> Callable[[], None]:
    with open(f"/proc/self/fdinfo/{descriptor}") as file:
        told = dict(line.split(":", 1) for line in file if ":" in line)
    count, semaphore = int(told["eventfd-count"], 16), int(told.get("eventfd-semaphore", "0"))

    def make() -> None:
        _place(os.eventfd(count, os.EFD_SEMAPHORE if semaphore else 0), descriptor)  # type: ignore[attr-defined,unused-ignore]

    return make


def _epoll_maker(descriptor: int) -> Callable[[], None]:
    with open(f"/proc/self/fdinfo/{descriptor}") as file:
        targets = [(int(each[1]), int(each[2], 16), int(each[3], 16)) for each in _TARGET.finditer(file.read())]
    if any(data & 0xFFFFFFFF != target for target, _, data in targets):
        raise _refusal("an epoll set is in use by a library that marks its entries; close it before the end")

    def make() -> None:
        polled = select.epoll()
        for target, events, _ in targets:
            polled.register(target, events)
        made = _aside(os.dup(polled.fileno()), [descriptor])
        polled.close()
        _place(made, descriptor)

    return make


def _pipe_maker(name: str, ends: list[int]) -> Callable[[], None]:
    readers = [each for each in ends if fcntl.fcntl(each, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY]
    writers = [each for each in ends if each not in readers]
    waiting = array.array("i", [0])
    if readers:
        fcntl.ioctl(readers[0], termios.FIONREAD, waiting)
    if waiting[0]:
        raise _refusal(f"{name} holds {waiting[0]} bytes that nobody has read. Read them before the end")

    def make() -> None:
        reader, writer = (_aside(each, ends) for each in os.pipe())
        for made, wanted in ((reader, readers), (writer, writers)):
            for each in wanted:
                os.dup2(made, each)
            os.close(made)

    return make


def _pair_maker(ends: list[int]) -> Callable[[], None]:
    """A pair of connected sockets; where only one end was ours, the other hangs up."""
    with socket.socket(fileno=os.dup(ends[0])) as known:
        kind = known.type

    def make() -> None:
        made = [_aside(each.detach(), ends) for each in socket.socketpair(socket.AF_UNIX, kind)]
        for number, each in enumerate(made):
            if number < len(ends):
                os.dup2(each, ends[number])
            os.close(each)

    return make


def _lost_connection_maker(descriptor: int, known: socket.socket) -> Callable[[], None]:
    family, kind, protocol = known.family, known.type, known.proto

    def make() -> None:
        _place(socket.socket(family, kind, protocol).detach(), descriptor)

    return make


def _packed_tmp() -> bytes:
    names = os.listdir(TMP)
    if not names:
        return b""
    size = sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, files in os.walk(TMP) for name in files)
    if size > MOST_BYTES:
        raise _refusal(f"{TMP} holds {size} bytes, of which {MOST_BYTES} can be carried; remove some before the end")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as writer:
        for name in names:
            writer.add(os.path.join(TMP, name), name)
    return packed.getvalue()
