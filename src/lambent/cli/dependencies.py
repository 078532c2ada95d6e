"""What a function's requirements.txt asks for, installed for the Python that will run it."""

import re
import subprocess
import sys
from pathlib import Path

from lambent.cli.errors import CommandError

PYTHON_RUNTIME = re.compile(r"python(3\.\d+)")
COMPLAINT_LINES = 3


def own_runtime() -> str:
    """The runtime of the Python that runs this command."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def pip_command(requirements: Path, target: Path, runtime: str) -> list[str]:
    """The pip command that fills `target`.

    For another version than our own, pip can choose ready-made wheels but not build any.

    Raises:
        CommandError: `runtime` is not Python, so pip cannot serve it.
    """
    version = PYTHON_RUNTIME.fullmatch(runtime)
    if version is None:
        raise CommandError(f"requirements.txt is for Python; {runtime} cannot use it. Remove it, or choose python3.X")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--target", str(target), "--requirement", str(requirements)]
    if runtime != own_runtime():
        command += ["--python-version", version[1], "--implementation", "cp", "--only-binary=:all:"]
    return command


def install(requirements: Path, target: Path, runtime: str) -> None:
    """Fill `target`.

    Raises:
        CommandError: pip could not; its own last words say why.
    """
    run_pip(pip_command(requirements, target, runtime), str(requirements))


def run_pip(command: list[str], what: str) -> None:
    """Run pip; its last words become the error."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode != 0:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise CommandError(f"pip could not install {what}: " + " ".join(words[-COMPLAINT_LINES:]))
