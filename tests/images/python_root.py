"""A layer with this host's Python, what it is linked with and its standard library, and one with AWS's own client."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from importlib.metadata import distribution
from pathlib import Path

from tests.images.layouts import entry, link

Entries = list[tuple[tarfile.TarInfo, bytes]]
LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo", "pydoc_data", "distutils") + (
    *("__pycache__", "site-packages", "dist-packages"),
)
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")


def executable() -> str:
    """The interpreter, at the same place inside as outside."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def python_layer() -> Entries:
    """Everything that `executable` needs."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = {executable(), *_linked([executable(), *map(str, (library / "lib-dynload").glob("*.so"))])}
    for folder, below, names in os.walk(library):
        below[:] = [name for name in below if name not in LEFT_OUT and not name.startswith("config-")]
        files |= {f"{folder}/{name}" for name in names if not name.endswith((".pyc", ".a"))}
    return [entry(path.lstrip("/"), Path(path).read_bytes(), 0o755, mtime=1) for path in sorted(files)]


def _linked(programs: list[str]) -> set[str]:
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    return {word for line in told.splitlines() for word in line.split() if word.startswith("/") and ":" not in word}


def client_layer(source: str) -> Entries:
    """`source` as /app/app.py, beside AWS's runtime interface client for Python."""
    layer = [entry("app/app.py", source), link("usr/local/bin/python", executable())]
    found = [file for name in CLIENT for file in distribution(name).files or () if ".." not in file.parts]
    paths = {f"app/{file}": str(file.locate()) for file in found if file.suffix != ".pyc"}
    libraries = _linked([path for path in paths.values() if path.endswith(".so")])
    paths |= {path.lstrip("/"): path for path in libraries}
    return layer + [entry(name, Path(path).read_bytes(), 0o755) for name, path in paths.items() if Path(path).is_file()]
