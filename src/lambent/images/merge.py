"""The root of an image: one folder, made of the trees of its layers by hard links.

One folder needs one mount for each environment, on any kernel and without root, and files that two images share
are one file, on disk and in memory. Folders are made anew; files are never written or changed, because they
belong to the layers as well.

Whatever a path leads through here is a folder that was made here: links are looked at, not followed, but for
folders that a layer only implies, where the link is followed inside the root, as other engines do.

Source: OCI image specification, "Applying changesets".
"""

import errno
import os
import shutil
import stat
from pathlib import Path

from lambent.images.api import invalid
from lambent.images.layer_tree import Changes, Names, shown

MOST_HOPS = 40  # Linux follows as many (path_resolution(7), ELOOP)
# Where the sandbox mounts something of its own.
PLACES = ("dev", "proc", "sys", "tmp", "mnt", "etc")
FILES = ("hosts", "resolv.conf")
CANNOT_LINK = (errno.EXDEV, errno.EMLINK, errno.EPERM)


class Root:
    """A root in the making, in `folder`, which is new and empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def add(self, tree: Path, changes: Changes) -> None:
        """Put a layer on top. Raises ImageError, OSError."""
        for names in changes.opaque:
            folder = self._follow(names)
            if folder is not None and _kind(folder) == stat.S_IFDIR:
                for name in os.listdir(folder):
                    _remove(f"{folder}/{name}")
        for names in changes.gone:
            above = self._follow(names[:-1], last=True)
            if above is not None and _kind(above) == stat.S_IFDIR:
                _remove(f"{above}/{names[-1]}")
        self._copy(str(tree), self._folder, (), set(changes.implied))
        for names, target in changes.borrowed:
            self._borrow(names, target)

    def _copy(self, tree: str, root: str, at: Names, implied: set[Names]) -> None:
        with os.scandir(tree) as entries:
            for entry in entries:
                names, path = (*at, entry.name), f"{root}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    below = self._folder_for(entry, path, names, implied)
                    self._copy(entry.path, below, names, implied)
                else:
                    _remove(path)
                    _link(entry.path, path)

    def _folder_for(self, entry: os.DirEntry[str], path: str, names: Names, implied: set[Names]) -> str:
        kind = _kind(path)
        if kind == stat.S_IFLNK and names in implied:
            found = self._follow(names, last=True)
            if found is not None and _kind(found) == stat.S_IFDIR:
                return found
        if kind != stat.S_IFDIR:
            _remove(path)
            os.mkdir(path)
        if kind != stat.S_IFDIR or names not in implied:
            os.chmod(path, stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode))
        return path

    def _borrow(self, names: Names, target: Names) -> None:
        above, source = self._follow(names[:-1], last=True), self._follow(target)
        if above is None or source is None or _kind(above) != stat.S_IFDIR or _kind(source) != stat.S_IFREG:
            raise invalid(f"the hard link {shown(names)} leads to no file")
        path = f"{above}/{names[-1]}"
        if not (os.path.lexists(path) and os.path.samefile(path, source)):
            _remove(path)
            _link(source, path)

    def _follow(self, names: Names, *, last: bool = False) -> str | None:
        """Where `names` leads inside the root, links on the way (and with `last` at the end) followed; None for
        nowhere."""
        todo, here, hops = list(reversed(names)), list[str](), 0
        while todo:
            name = todo.pop()
            if name == "..":
                here[-1:] = []
                continue
            path = "/".join((self._folder, *here, name))
            if _kind(path) == stat.S_IFLNK and (todo or last):
                hops += 1
                target = os.readlink(path)
                here = [] if target.startswith("/") else here
                todo += reversed([each for each in target.split("/") if each not in ("", ".")])
                if hops > MOST_HOPS:
                    return None
                continue
            if todo and _kind(path) != stat.S_IFDIR:
                return None
            here.append(name)
        return "/".join((self._folder, *here))

    def furnish(self) -> None:
        """Real folders and files where the sandbox mounts its own. Raises ImageError, OSError."""
        for name in PLACES:
            path = f"{self._folder}/{name}"
            if _kind(path) == stat.S_IFDIR:
                continue
            if name == "etc" and os.path.lexists(path):
                raise invalid("its /etc is not a folder")
            _remove(path)
            os.mkdir(path, 0o755)
        for name in FILES:
            path = f"{self._folder}/etc/{name}"
            if _kind(path) != stat.S_IFREG:
                _remove(path)
                with open(path, "xb") as file:
                    os.fchmod(file.fileno(), 0o644)
        os.chmod(self._folder, 0o755)  # noqa: S103 - functions run as users of their own


def _kind(path: str) -> int:
    """What is at `path` itself; 0 for nothing."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _remove(path: str) -> None:
    kind = _kind(path)
    if kind == stat.S_IFDIR:
        shutil.rmtree(path)
    elif kind:
        os.unlink(path)


def _link(source: str, path: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), path)
        return
    try:
        os.link(source, path, follow_symlinks=False)
    except OSError as error:  # a file system without links, or one file in very many images
        if error.errno not in CANNOT_LINK:
            raise
        shutil.copy2(source, path)
