"""What the sandbox wants to know of a language other than Python: one object for each, all in `table.py`.

A language's runtime is a program of ours in the language's own interpreter (`runtimes/NAME/`, at /var/runtime inside),
which speaks frames on descriptor 3 and reads its assignment from descriptor 4. It can be started before it is known
for which function, so what it needs at its start must not depend on one, with two exceptions: the function's memory,
which some interpreters want to know when they start, and variables that are only read then (`at_start`). Processes
wait ready-made for each memory size in use; a function that sets one of those variables gets a process of its
own, started when its folders are mounted.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from lambent.sandbox.wire import Programs

PROBE_TIMEOUT_S = 20.0
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"  # a program in the function's folders that is started in front of the runtime


class Installation(Struct, frozen=True):
    """One version of a language on this host. All that it needs lies below `prefix`, which is /var/lang inside, in the
    system's folders, or in `binds`: (path inside, path of the host). `compiler` makes our program for it, where that is
    compiled on this host. `arguments` come right behind the executable."""

    runtime: str
    version: tuple[int, ...]
    executable: str
    prefix: str
    binds: tuple[tuple[str, str], ...] = ()
    compiler: str = ""
    arguments: tuple[str, ...] = ()


class Language(Protocol):
    """One language."""

    name: str
    """What its runtime identifiers begin with, and the name of the folder below `runtimes/`."""

    runtimes: tuple[str, ...]
    """The identifiers that AWS accepts today and that it serves, if its interpreter is there."""

    boot_mb: int
    """About what a process that waits takes of the host's memory."""

    links: tuple[tuple[str, str], ...]
    """Symbolic links that its functions find: where, and to what."""

    at_start: re.Pattern[str]
    """The variables that its interpreter, or the dynamic linker, reads at its start and never again."""

    at_boot: Mapping[str, str]
    """Variables that only a process that waits has."""

    keeps_folder: bool
    """Whether its interpreter cannot change its working directory, so that it has to start in the function's."""

    def find(self, variables: Mapping[str, str]) -> dict[str, Installation]:
        """What is on this host, by runtime identifier, oldest first."""

    def command(
        self, executable: str, runtime_folder: str, memory_mb: int, variables: Mapping[str, str]
    ) -> tuple[str, ...]:
        """How a process for functions of that memory starts, or for the one function with these variables. Wrappers
        put their options in front of the last word."""

    def knobs(self, memory_mb: int) -> Mapping[str, str]:
        """Variables that its interpreter needs at its start, unless the function has set them."""

    def programs(self, host: tuple[str, ...], task_root: str, handler: str) -> Programs | None:
        """What a function with this handler is, if not one of our program's: a program of its own, which may be run by
        the interpreter (`host`, its executable and arguments)."""

    async def prepare(self, folder: Path, installation: Installation) -> None:
        """Compile what is missing in `folder`. Raises SandboxFailure."""

    def needs(self, runtime: str) -> str:
        """What to install where `runtime` is missing, as the object of "needs"."""


def installed_versions(parent: Path) -> Iterator[Path]:
    """The folders of a version manager, newest first. None where that is not there, or another user's, whose variables
    may have come along (`su`, `sudo -E`)."""

    def version(folder: Path) -> tuple[int, ...]:
        return tuple(map(int, re.findall(r"\d+", folder.name)))

    with contextlib.suppress(OSError):
        yield from sorted(parent.iterdir(), key=version, reverse=True)


def executables(places: Iterable[Path], names: Iterable[str]) -> Iterator[Path]:
    """Each program of one of these names, once, whatever links lead to it."""
    seen: set[str] = set()
    wanted = tuple(names)
    for candidate in (folder / name for folder in places for name in wanted):
        real = os.path.realpath(candidate)
        if real not in seen and os.access(real, os.X_OK) and os.path.isfile(real):
            seen.add(real)
            yield candidate


def number_of(runtime: str) -> tuple[int, ...]:
    """The version in a runtime identifier: (20,) of nodejs20.x, (3, 4) of ruby3.4."""
    return tuple(map(int, re.findall(r"\d+", runtime.partition(".al")[0])))


def nearest(runtime: str, installed: Iterable[Installation]) -> Installation | None:
    """The version that is nearest to `runtime`; of two the newer."""
    wanted = number_of(runtime)

    def distance(each: Installation) -> tuple[tuple[int, ...], tuple[int, ...]]:
        have = number_of(each.runtime)
        apart = tuple(abs(a - b) for a, b in zip(have, wanted, strict=False))
        return apart, tuple(-part for part in have)

    return min(installed, key=distance, default=None)
