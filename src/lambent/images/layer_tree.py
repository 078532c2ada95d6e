"""One layer, from its tar to a folder of its own. Everything in it is believed to be hostile.

A layer says what changed against the layers below. What is added becomes the tree; what was taken away
(whiteouts), folders that hide what lay below (opaque), folders that are only on the way to something (implied)
and hard links to files of lower layers stand in the `Changes`, for `merge` to carry out.

Nothing is written through a link: what kind each name of the tree is, is remembered, and only a folder made
here leads further. Names that lead out are refused. Devices, sockets and pipes are left out; so are set-user-id
bits, owners and extended attributes, because a function runs as a user of its own with no way to gain rights.

Source: OCI image specification, "Image layer filesystem changeset" (order, whiteouts, hard links).
"""

import os
import stat
import tarfile
from pathlib import Path
from typing import IO

from msgspec import Struct

from lambent.images.api import invalid

Names = tuple[str, ...]
WHITEOUT, OPAQUE, RESERVED = ".wh.", ".wh..wh..opq", ".wh..wh."
LONGEST_NAME_BYTES, LONGEST_PATH_BYTES, DEEPEST = 255, 3072, 128  # NAME_MAX; PATH_MAX less what is above
LATEST_MTIME_S = 1 << 33
PIECE_BYTES = 256 * 1024
ENTRY_BYTES = 1024  # of the tar, for each entry: the header, and padding


class Changes(Struct, frozen=True):
    """What a layer does to those below it, beside its tree; paths as tuples of names."""

    gone: tuple[Names, ...] = ()
    opaque: tuple[Names, ...] = ()
    implied: tuple[Names, ...] = ()
    borrowed: tuple[tuple[Names, Names], ...] = ()  # a hard link, and the file of a lower layer
    unpacked_bytes: int = 0
    entries: int = 0


class Unpacker:
    """Makes one tree, in `folder`, which is new and empty and nobody else's."""

    def __init__(self, folder: Path, most_bytes: int, most_entries: int) -> None:
        self._folder, self._left_bytes, self._most_entries = str(folder), most_bytes, most_entries
        self._most_bytes = most_bytes
        self._kinds: dict[Names, int] = {(): stat.S_IFDIR}
        self._implied: dict[Names, None] = {}
        self._gone: list[Names] = []
        self._opaque: list[Names] = []
        self._borrowed: list[tuple[Names, Names]] = []
        self._entries = 0

    def unpack(self, tar: IO[bytes]) -> Changes:
        """Raises ImageError, OSError."""
        try:
            with tarfile.open(fileobj=tar, mode="r|", errors="surrogateescape") as entries:
                for entry in iter(entries.next, None):
                    self._count()
                    self._take(entries, entry)
                    entries.members = []  # type: ignore[attr-defined]  # it would remember all of them
        except (tarfile.TarError, ValueError, EOFError, OverflowError) as error:
            raise invalid(f"a layer is no tar: {error}") from error
        return Changes(
            gone=tuple(self._gone),
            opaque=tuple(self._opaque),
            implied=tuple(self._implied),
            borrowed=tuple(self._borrowed),
            unpacked_bytes=self._most_bytes - self._left_bytes,
            entries=self._entries,
        )

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self._most_entries:
            raise invalid(f"a layer has more than {self._most_entries} entries")

    def _take(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        names = names_of(entry.name)
        if not names:
            return
        if any(name.startswith(WHITEOUT) for name in names):
            self._take_away(names)
            return
        if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
            return  # a device, a pipe, or of a kind that nobody knows
        self._lead_to(names[:-1])
        path = self._path(names)
        if entry.isdir():
            self._folder_at(names, path, entry.mode)
        else:
            self._make_room(names, path)
            self._make(tar, entry, names, path)

    def _take_away(self, names: Names) -> None:
        above, last = names[:-1], names[-1]
        if any(name.startswith(WHITEOUT) for name in above) or (last.startswith(RESERVED) and last != OPAQUE):
            return  # what union file systems keep for themselves
        if last == OPAQUE:
            self._opaque.append(above)
            return
        name = last.removeprefix(WHITEOUT)
        if name in ("", ".", ".."):
            raise invalid(f"a layer takes away {name!r}")
        self._gone.append((*above, name))

    def _lead_to(self, names: Names) -> None:
        """The folders on the way, real ones."""
        for depth in range(1, len(names) + 1):
            folder = names[:depth]
            kind = self._kinds.get(folder)
            if kind is None:
                self._count()
                os.mkdir(self._path(folder), 0o755)
                self._kinds[folder] = stat.S_IFDIR
                self._implied[folder] = None
            elif kind != stat.S_IFDIR:
                raise invalid(f"a layer has {shown(names)} below something that is not a folder")

    def _folder_at(self, names: Names, path: str, mode: int) -> None:
        kind = self._kinds.get(names)
        if kind is not None and kind != stat.S_IFDIR:
            os.unlink(path)
            kind = None
        if kind is None:
            os.mkdir(path, 0o700)
            self._kinds[names] = stat.S_IFDIR
        self._implied.pop(names, None)
        os.chmod(path, mode & 0o1777 | 0o700)  # its owner, who is nobody inside, must be able to delete it

    def _make_room(self, names: Names, path: str) -> None:
        kind = self._kinds.pop(names, None)
        if kind == stat.S_IFDIR:
            raise invalid(f"a layer has {shown(names)} as a folder and as something else")
        if kind is not None:
            os.unlink(path)

    def _make(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, names: Names, path: str) -> None:
        if entry.issym():
            self._symlink(entry.linkname, names, path)
        elif entry.islnk():
            self._hard_link(names_of(entry.linkname), names, path)
        else:
            self._write(tar, entry, path)
            self._kinds[names] = stat.S_IFREG

    def _symlink(self, target: str, names: Names, path: str) -> None:
        if not target or "\0" in target or len(os.fsencode(target)) > LONGEST_PATH_BYTES:
            raise invalid(f"the link {shown(names)} has no usable target")
        os.symlink(target, path)  # wherever it leads: only a function follows it, and then inside its own root
        self._kinds[names] = stat.S_IFLNK

    def _hard_link(self, target: Names, names: Names, path: str) -> None:
        kind = self._kinds.get(target)
        if kind is None and target:
            self._borrowed.append((names, target))
        elif kind == stat.S_IFREG:
            os.link(self._path(target), path)
            self._kinds[names] = stat.S_IFREG
        elif kind == stat.S_IFLNK:
            self._symlink(os.readlink(self._path(target)), names, path)
        else:
            raise invalid(f"the hard link {shown(names)} leads to a folder")

    def _write(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, path: str) -> None:
        source = tar.extractfile(entry)
        with open(path, "xb") as file:
            while source is not None and (piece := source.read(PIECE_BYTES)):
                self._left_bytes -= len(piece)
                if self._left_bytes < 0:
                    raise invalid("it is too large unpacked")
                file.write(piece)
            if file.tell() != entry.size:
                raise invalid(f"{entry.name[:80]!r} is shorter than it should be")
            file.flush()
            os.fchmod(file.fileno(), entry.mode & 0o777 | 0o400)
            seconds = min(max(0, int(entry.mtime)), LATEST_MTIME_S)  # what is compiled ahead is compared by it
            os.utime(file.fileno(), (seconds, seconds))

    def _path(self, names: Names) -> str:
        return "/".join((self._folder, *names))


def names_of(path: str) -> Names:
    """The names along a path of a tar; () for the root itself. Raises ImageError."""
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    try:
        sizes = [len(os.fsencode(name)) for name in names]
    except UnicodeEncodeError:
        raise invalid(f"{path[:80]!r} is no name of a file") from None
    if ".." in names or "\0" in path:
        raise invalid(f"{path[:80]!r} leads out of the image")
    if (
        len(names) > DEEPEST
        or sum(sizes) + len(sizes) > LONGEST_PATH_BYTES
        or max(sizes, default=0) > LONGEST_NAME_BYTES
    ):
        raise invalid(f"{path[:80]!r}... is too long or too deep a name")
    return names


def shown(names: Names) -> str:
    """A path for a message."""
    return ascii("/".join(names)[:120])
