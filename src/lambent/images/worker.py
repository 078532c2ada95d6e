"""The process that pulls one image: what is hostile in it, and what it takes of time and memory, stays here.

Order on stdin, as JSON; on stdout lines of `Word`: how far it is, and at the end how it went. It dies with the
server that started it, and what it had not finished is swept away by the next collection.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from lambent.clock import Clock, SystemClock
from lambent.ids import SystemIds
from lambent.images import reference, sources
from lambent.images.api import ImageError, Kind, Limits, Progress
from lambent.images.pull import build, fetch
from lambent.images.registry import Registry, RegistrySettings
from lambent.images.shelf import Shelf

PR_SET_PDEATHSIG = 1
MEMORY_BYTES = 4 << 30
TELL_EVERY_S = 0.2


class Order(Struct, frozen=True):
    """`uri` ends in a digest; `place` is where the root has to be."""

    uri: str
    architecture: str
    shelf: str
    place: str
    registries: RegistrySettings
    limits: Limits


class Word(Struct, frozen=True, omit_defaults=True):
    """One of: progress, an error, or that all is done."""

    progress: Progress | None = None
    error: str = ""
    kind: Kind | None = None  # of an error of the image's; none: of the disk's
    done: bool = False


def pull(order: Order, tell: Callable[[Progress], None]) -> None:
    """Have the root in its place. Raises ImageError, OSError."""
    name, ids = reference.parse(order.uri), SystemIds()
    shelf = Shelf(Path(order.shelf), ids)
    source = Registry(name, order.registries) if order.registries.allows(name.host) else None
    with shelf.adding():
        try:
            image = shelf.image(name.digest)
        except ImageError:
            if source is None:
                raise
            image = sources.resolve(source, name.wanted, order.architecture, order.limits)
        fetch(image, source, shelf, order.limits, tell)
        build(image, shelf, Path(order.place))


class Teller:
    """Writes words, not too many about progress."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._told_s = clock, float("-inf")

    def progress(self, progress: Progress) -> None:
        """How far it is."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._told_s + TELL_EVERY_S:
            self._told_s = now_s
            self.say(Word(progress=progress))

    def say(self, word: Word) -> None:
        """One line; nobody may be listening any more."""
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
            sys.stdout.buffer.flush()


def main() -> None:
    """Carry out the order on stdin."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.nice(5)
    os.umask(0o022)
    teller = Teller(SystemClock())
    try:
        pull(msgspec.json.decode(sys.stdin.buffer.read(), type=Order), teller.progress)
        teller.say(Word(done=True))
    except ImageError as error:
        teller.say(Word(error=error.message, kind=error.kind))
    except MemoryError:
        teller.say(Word(error="it takes too much memory to unpack", kind="invalid"))
    except OSError as error:
        teller.say(Word(error=f"it cannot be kept: {error}"))


if __name__ == "__main__":
    main()
