"""The Python interpreters of this host, by the runtime that each can serve.

Knows: where Pythons are usually installed, and how to ask one what it is. Does not know sandboxes.
An interpreter is only offered when it answered for itself, and when all of it lies below one
prefix, because that prefix is what a sandbox sees at /var/lang.

Source: runtime identifiers are AWS's (`python3.9` and on); which exist is `services.lambda_`'s to say.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.sandbox.languages.language import installed_versions

OLDEST_MINOR, NEWEST_MINOR = 9, 15
RUNTIME = re.compile(r"python3\.(\d{1,2})")
PROBE_TIMEOUT_S = 20.0
PROBE = """
import ctypes, json, os, socket, sys
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": os.path.realpath(sys.base_prefix),
    "library": os.path.dirname(os.path.realpath(os.__file__)),
}))
"""


class Interpreter(Struct, frozen=True):
    """One interpreter. `executable` and `library` (the standard library) lie below `prefix`."""

    version: tuple[int, int, int]
    executable: str
    prefix: str
    library: str

    @property
    def runtime(self) -> str:
        """The runtime that it serves."""
        return f"python{self.version[0]}.{self.version[1]}"


def find_runtimes(places: Iterable[Path] | None = None) -> dict[str, Interpreter]:
    """The best interpreter of each version on this host, oldest first. Runs each candidate once."""
    folders = list(places) if places is not None else usual_places(os.environ)
    found: dict[str, Interpreter] = {}
    for minor in range(OLDEST_MINOR, NEWEST_MINOR + 1):
        name = f"python3.{minor}"
        for candidate in (folder / name for folder in folders):
            if os.access(candidate, os.X_OK):
                interpreter = probe(candidate)
                if interpreter is not None and interpreter.runtime == name:
                    found[name] = interpreter
                    break
    return found


def usual_places(variables: Mapping[str, str]) -> list[Path]:
    """The folders to look into, in order of preference: version managers, the system, PATH."""
    home = Path(variables.get("HOME", "/root"))
    managed = [Path(variables.get("PYENV_ROOT", home / ".pyenv")) / "versions", home / ".local/share/uv/python"]
    places = [folder / "bin" for parent in managed for folder in installed_versions(parent)]
    places += [
        Path("/usr/local/bin"),
        Path("/usr/bin"),
        *(folder / "bin" for folder in installed_versions(Path("/opt"))),
    ]
    on_path = [Path(folder) for folder in variables.get("PATH", "").split(":") if folder]
    return list(dict.fromkeys([*places, *(folder for folder in on_path if folder.name != "shims")]))


def probe(executable: Path) -> Interpreter | None:
    """What `executable` says it is; None when it does not run, lacks a module, or is not in one piece."""
    try:
        answer = subprocess.run(  # noqa: S603
            [executable, "-I", "-S", "-c", PROBE], capture_output=True, timeout=PROBE_TIMEOUT_S, check=True, text=True
        )
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    prefix = Path(found["prefix"])
    if not all(Path(found[part]).is_relative_to(prefix) for part in ("executable", "library")):
        return None
    version = tuple(found["version"])
    return Interpreter((version[0], version[1], version[2]), found["executable"], found["prefix"], found["library"])


def interpreter_for(runtime: str, found: Mapping[str, Interpreter], *, fallback: bool) -> Interpreter | None:
    """The interpreter that serves `runtime`: its own version, or with `fallback` the nearest one.

    Of two equally near the newer wins, as newer Pythons run older code more often than not.
    """
    if runtime in found:
        return found[runtime]
    wanted = RUNTIME.fullmatch(runtime)
    if not fallback or wanted is None or not found:
        return None
    minor = int(wanted[1])
    return min(found.values(), key=lambda each: (abs(each.version[1] - minor), -each.version[1]))
