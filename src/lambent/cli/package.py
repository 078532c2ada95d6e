"""A deployment package from a folder: the same files always give the same bytes.

Knows: which files belong in a package, how a zip is written so that its hash says whether the
code changed. Source of the form: Lambda Developer Guide, "Working with .zip file archives for
Python Lambda functions" (dependencies at the root, files readable by everyone).
"""

import ast
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lambent.cli.errors import CommandError

LEFT_OUT = frozenset({"__pycache__", ".git", ".hg", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
# Where people put their handler, most likely first; the second is the name that AWS's console gives.
MODULES = ("app", "lambda_function", "main", "index", "handler")
HANDLERS = ("handler", "lambda_handler", "main")


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that belong in the package: name inside it, and where they lie.

    Raises:
        CommandError: a link to a folder, which a package cannot hold.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in folders:
            if (Path(place) / name).is_symlink():
                raise CommandError(f"{Path(place) / name} is a link to a folder; put the folder itself there")
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and not name.endswith(".pyc"):
                yield path.relative_to(folder).as_posix(), path


def zipped(folders: Sequence[Path]) -> bytes:
    """One package of all `folders`; where two have the same file, the later one wins."""
    chosen: dict[str, Path] = {}
    for folder in folders:
        chosen.update(files_of(folder))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(chosen):
            entry = zipfile.ZipInfo(name, EARLIEST)
            runnable = chosen[name].stat().st_mode & stat.S_IXUSR
            entry.external_attr = (stat.S_IFREG | (0o755 if runnable else 0o644)) << 16
            entry.create_system = 3  # Unix, so that the mode counts
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, chosen[name].read_bytes())
    return buffer.getvalue()


def python_sources(folder: Path) -> dict[str, str]:
    """The text of each module at the root of `folder` that may hold the handler."""
    paths = {module: folder / f"{module}.py" for module in MODULES}
    return {module: path.read_text("utf-8", "replace") for module, path in paths.items() if path.is_file()}


def unreadable(sources: Mapping[str, str]) -> str | None:
    """Which module is no Python, and where; None when all are."""
    for module, text in sources.items():
        try:
            ast.parse(text)
        except SyntaxError as error:
            return f"{module}.py, line {error.lineno}: {error.msg}"
    return None


def handler_in(sources: Mapping[str, str]) -> str | None:
    """The handler that `sources` most likely mean, such as `app.handler`; None when none is there."""
    for module, text in sources.items():
        try:
            names = set(_names(ast.parse(text)))
        except SyntaxError:
            names = set()
        for name in HANDLERS:
            if name in names:
                return f"{module}.{name}"
    return None


def _names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def function_name(folder: Path) -> str:
    """A name for the function in `folder`: the folder's own, in the characters that Lambda allows."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", folder.resolve().name).strip("-")[:64]
    if not name:
        raise CommandError(f"{folder} gives no name for a function; give one: --name NAME")
    return name
