"""What a sandbox has at /var/runtime: boto3 and what it needs, and our own code for the inside.

On AWS the runtime brings boto3 along. Ours comes from the distributions that Lambent itself runs
with, linked (or copied, on another file system) into a folder of their own, so that none of
Lambent's other dependencies can be imported. The folder is named by what is in it: an upgrade
makes a new one, and environments that run keep the one they were started with.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
from importlib.metadata import Distribution, distribution
from pathlib import Path

from lambent.ids import Ids
from lambent.sandbox.interpreters import Interpreter

DISTRIBUTIONS = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "six",
    "urllib3",
    "snapshot-restore-py",
)
OURS = "_lambent"
RUNTIMES = Path(__file__).parent.parent / "runtimes"
OUR_SOURCES = RUNTIMES / "python"
MODULES = "node_modules"
UNFINISHED = "making-"  # how a folder is called until it is whole; languages.java has such ones, too
WORLD_READABLE = 0o444


def forget_unfinished(parent: Path) -> None:
    """Remove what one that was killed while it made a folder has left. Only for who makes folders here alone."""
    for left in parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)  # what cannot go now goes at the next start


def make_runtime_folder(parent: Path, ids: Ids) -> Path:
    """The folder for what is installed now, below `parent`; made if it is not there yet."""
    parts = [distribution(name) for name in DISTRIBUTIONS]
    sources = sorted(OUR_SOURCES.glob("*.py"))
    finished = parent / _digest(parts, sources)
    if not finished.is_dir():
        making = parent / f"{UNFINISHED}{ids.hex(8)}"
        for part in parts:
            _link_distribution(part, making)
        (making / OURS).mkdir(mode=0o755)
        for source in sources:
            shutil.copyfile(source, making / OURS / source.name)
        making.rename(finished)
    return finished


def make_guest_folder(parent: Path, language: str, ids: Ids) -> Path:
    """The folder of a language other than Python: our own code for it, and a place for its modules."""
    ours = RUNTIMES / language
    sources = sorted(each for each in ours.rglob("*") if each.is_file())
    finished = parent / f"{language}-{_digest([], sources)}"
    if not finished.is_dir():
        making, made = parent / f"{UNFINISHED}{ids.hex(8)}", {str(parent)}
        _make_folder(str(making / MODULES), made)
        for source in sources:
            copy = making / source.relative_to(ours)
            _make_folder(str(copy.parent), made)
            shutil.copyfile(source, copy)
        making.rename(finished)
    return finished


def _digest(parts: list[Distribution], sources: list[Path]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.name}=={part.version}\n".encode())
    for source in sources:
        digest.update(f"{source.name}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:32]


def _link_distribution(part: Distribution, folder: Path) -> None:
    """Some two thousand files, at the first start on a data folder: hence texts, and each folder made once."""
    origin, made = str(part.locate_file("")), {str(folder.parent)}
    for entry in map(str, part.files or ()):
        source, target = os.path.join(origin, entry), os.path.join(folder, entry)
        if ".." in entry.split("/") or not os.path.isfile(source):
            continue  # scripts in bin/, and what the installer listed without keeping
        _make_folder(os.path.dirname(target), made)
        _link(source, target)


def _make_folder(folder: str, made: set[str]) -> None:
    """It and those above it, unless they are among those `made`; whatever the umask is, everyone may look in."""
    if folder not in made:
        _make_folder(os.path.dirname(folder), made)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        os.chmod(folder, 0o755)  # noqa: S103
        made.add(folder)


def _link(source: str, target: str) -> None:
    try:
        if os.stat(source).st_mode & WORLD_READABLE == WORLD_READABLE:
            os.link(source, target)
            return
    except OSError:  # another file system, or one without links
        pass
    shutil.copy2(source, target)
    os.chmod(target, 0o644)


async def compile_for(interpreter: Interpreter, folder: Path) -> None:
    """Compile boto3 for `interpreter`, once: without it, an import of boto3 takes seconds each time."""
    tag = f"cpython-{interpreter.version[0]}{interpreter.version[1]}"
    if any((folder / "botocore" / "__pycache__").glob(f"client.{tag}.pyc")):
        return
    command = ("nice", "-n", "19", interpreter.executable, "-I", "-S", "-m", "compileall", "-q", str(folder))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
