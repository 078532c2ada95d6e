"""How the process of each runtime is started inside a sandbox, and which channel it speaks.

Every sandbox is a fork of a Python zygote, whatever runs in it in the end: what differs is the last step. A runtime
with `programs` replaces the fork by the first of them that is there, and speaks HTTP (the Runtime API). One with a
`guest` has a program of ours in the interpreter of its language, which may wait ready-made, and speaks frames; or its
function is a program. One with neither stays in the Python interpreter, and speaks frames.

Source: Lambda Developer Guide, "Building a custom runtime" (`bootstrap`, in the package or else in a layer).
"""

import os
from collections.abc import Mapping

from msgspec import Struct

from lambent.sandbox.interpreters import NEWEST_MINOR, OLDEST_MINOR, Interpreter, find_runtimes, interpreter_for
from lambent.sandbox.languages.language import Installation, Language, nearest
from lambent.sandbox.languages.table import LANGUAGES, find_installations, language_of

OS_ONLY = ("provided.al2", "provided.al2023")
NO_PYTHON = "Sandboxes begin in a Python of this host, and none was found. Install one"
BOOTSTRAPS = ("/var/task/bootstrap", "/opt/bootstrap")


class Host(Struct, frozen=True):
    """The interpreters of this machine, by runtime."""

    pythons: Mapping[str, Interpreter]
    installations: Mapping[str, Installation] = {}

    @property
    def newest_python(self) -> Interpreter | None:
        """In whose forks everything begins that is not Python."""
        return max(self.pythons.values(), key=lambda each: each.version, default=None)

    @property
    def runtimes(self) -> list[str]:
        """All that can be served without a fallback."""
        if not self.pythons:
            return []
        return [*self.pythons, *self.installations, *OS_ONLY]


class Guest(Struct, frozen=True):
    """A language's runtime in a sandbox."""

    language: Language
    installation: Installation


class Launch(Struct, frozen=True):
    """The zygote to fork, and what the fork becomes."""

    interpreter: Interpreter
    programs: tuple[str, ...] = ()
    guest: Guest | None = None


def look_at_host() -> Host:
    """Everything that can be found. Runs each candidate once."""
    return Host(find_runtimes(), find_installations(os.environ))


def launch_of(runtime: str, host: Host, *, fallback: bool) -> Launch | None:
    """How to start `runtime` with the interpreters of this host; None when it cannot be."""
    language, newest = language_of(runtime), host.newest_python
    if language is not None and newest is not None:
        installation = host.installations.get(runtime)
        if installation is None and fallback:
            installation = nearest(runtime, _of(language, host))
        return None if installation is None else Launch(newest, guest=Guest(language, installation))
    if runtime in OS_ONLY:
        return None if newest is None else Launch(newest, BOOTSTRAPS)
    interpreter = interpreter_for(runtime, host.pythons, fallback=fallback)
    return None if interpreter is None else Launch(interpreter)


def container_launch(host: Host) -> Launch | None:
    """How to start what a container image brings along; None where no sandbox can begin."""
    return None if host.newest_python is None else Launch(host.newest_python)


def _of(language: Language, host: Host) -> list[Installation]:
    return [each for each in host.installations.values() if each.runtime.startswith(language.name)]


def every_runtime() -> list[str]:
    """All identifiers that this version can serve, on a host that has everything."""
    pythons = [f"python3.{minor}" for minor in range(OLDEST_MINOR, NEWEST_MINOR + 1)]
    return [*pythons, *(runtime for language in LANGUAGES for runtime in language.runtimes), *OS_ONLY]


def needs(runtime: str) -> str:
    """What has to be on a host for `runtime`, which is one of a language."""
    language = language_of(runtime)
    if language is not None:
        return language.needs(runtime)
    return f"{runtime.replace('python', 'Python ')} (with your system's packages, or pyenv)"


def missing(runtime: str, host: Host, *, fallback: bool) -> str | None:
    """Why functions of `runtime` cannot run here, and what to do; None where they can."""
    if launch_of(runtime, host, fallback=fallback) is not None:
        return None
    if host.newest_python is None:
        return f"{runtime}: {NO_PYTHON}"
    language = language_of(runtime)
    served = runtime.startswith("python") if language is None else runtime in language.runtimes
    if not served:
        return f"{runtime} is not served by this version of Lambent. On this host there are: {', '.join(host.runtimes)}"
    return (
        f"{runtime} needs {needs(runtime)} on this host, and it was not found. Install it and start the server again, "
        "or start it with --runtime-fallback"
    )
