"""Zip packages, checked and unpacked. Everything in them is believed to be hostile.

An entry may be a file, a folder, or a symbolic link that stays inside. Refused are absolute names
and `..`, links that lead out, entries below a link or a file, devices, the same name twice,
encryption, methods other than stored and deflated, and more entries or bytes than the limits say.
Bytes are counted while they are inflated; what headers claim is not believed. A limit on the
ratio is not needed: inflating ends at the byte limit, and what is zipped has a limit of its own.

Links are made after all files, so that nothing is ever written through one.
Source: Lambda quotas; behaviours section 6. Which entries to refuse is our own choice. Executable
means executable for everyone, because functions do not run as the owner of their code.
"""

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from lambent.services.lambda_.errors import InvalidParameter, TooLarge
from lambent.services.lambda_.links import Path as Parts
from lambent.services.lambda_.links import leads_out
from lambent.services.lambda_.model import CodeSize
from lambent.services.lambda_.zip_directory import entries_up_to

UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
EMPTY = "Uploaded file must be a non-empty zip"
UNIX_SYSTEMS = (3, 19)  # APPNOTE 4.4.2.2: UNIX and OS X; only these keep a mode in the upper 16 bits
ENCRYPTED = 0x1 | 0x40  # APPNOTE 4.4.4: encryption, strong encryption
PIECE_BYTES = 256 * 1024
LONGEST_NAME_BYTES, LONGEST_PATH_BYTES = 255, 1024  # NAME_MAX; PATH_MAX less what the folder above may take
LONGEST_TARGET_BYTES = 1024
DEEPEST = 64  # folders in folders; with the limit on entries it bounds how many folders there can be
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # UnicodeDecodeError too: names that are not what their flag says
    NotImplementedError,
    OverflowError,
    RuntimeError,
)


class PackageLimits(Struct, frozen=True):
    """How large a package may be."""

    zipped_bytes: int
    unzipped_bytes: int
    entries: int


class Entry(Struct, frozen=True):
    """One entry as it will be made: `parts` of its path, and its kind."""

    parts: Parts
    info: zipfile.ZipInfo
    kind: int  # stat.S_IFREG, S_IFDIR or S_IFLNK
    executable: bool


def check(data: bytes, limits: PackageLimits) -> CodeSize:
    """Read the whole package, as unpacking will; slow, so call it in a thread.

    Raises:
        TooLarge: the zip is over its limit.
        InvalidParameter: it is damaged, too large unzipped, or holds what no package may.
    """
    if len(data) > limits.zipped_bytes:
        raise TooLarge(f"Zipped size must be smaller than {limits.zipped_bytes} bytes")
    if not data:
        raise InvalidParameter(EMPTY)
    with _opened(data, limits) as (archive, entries):
        unzipped_bytes = 0
        for entry in entries:
            for piece in _pieces(archive, entry):
                unzipped_bytes += len(piece)
                if unzipped_bytes > limits.unzipped_bytes:
                    raise InvalidParameter(f"Unzipped size must be smaller than {limits.unzipped_bytes} bytes")
    return CodeSize(hashlib.sha256(data).hexdigest(), len(data), unzipped_bytes)


def unpack(data: bytes, limits: PackageLimits, folder: Path) -> None:
    """Make the package's tree in `folder`, which must be new and empty; slow, so call it in a thread.

    Raises:
        InvalidParameter: as `check`, which has accepted this package before.
        OSError: the file system would not take it.
    """
    os.chmod(folder, 0o755)  # noqa: S103, functions run as users of their own and must read it
    with _opened(data, limits) as (archive, entries):
        for entry in sorted(entries, key=lambda entry: entry.kind == stat.S_IFLNK):
            _make(archive, entry, folder.joinpath(*entry.parts))


def _make(archive: zipfile.ZipFile, entry: Entry, path: Path) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if entry.kind == stat.S_IFDIR:
        path.mkdir(mode=0o755, exist_ok=True)
    elif entry.kind == stat.S_IFLNK:
        path.symlink_to(_target(archive, entry))
    else:
        with open(path, "xb") as file:
            for piece in _pieces(archive, entry):
                file.write(piece)
            os.fchmod(file.fileno(), 0o555 if entry.executable else 0o444)


@contextmanager
def _opened(data: bytes, limits: PackageLimits) -> Iterator[tuple[zipfile.ZipFile, list[Entry]]]:
    """The archive with its entries, all acceptable; whatever damage is met inside is refused."""
    try:
        count = entries_up_to(data, limits.entries)
        if count > limits.entries:
            raise _refused(f"it has more than {limits.entries} entries")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [_entry(info) for info in archive.infolist() if _parts(info)]
            if not entries:
                raise InvalidParameter(EMPTY)
            _check_tree(entries, limits.entries)
            _check_links(archive, entries)
            yield archive, entries
    except DAMAGE as error:
        raise InvalidParameter(UNREADABLE) from error


def _entry(info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16 if info.create_system in UNIX_SYSTEMS else 0
    kind = stat.S_IFDIR if info.is_dir() else stat.S_IFMT(mode) or stat.S_IFREG
    if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise _refused(f"{info.filename!r} is neither a file nor a folder nor a link")
    if info.flag_bits & ENCRYPTED:
        raise _refused(f"{info.filename!r} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(f"{info.filename!r} is compressed by a method other than deflate")
    return Entry(_parts(info), info, kind, bool(mode & 0o111))


def _parts(info: zipfile.ZipInfo) -> Parts:
    """The names along the path; () for an entry that is the root itself."""
    name = info.filename
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts:
        raise _refused(f"{name!r} leads out of the package")
    encoded = [part.encode("utf-8") for part in parts]
    too_long = any(len(part) > LONGEST_NAME_BYTES for part in encoded) or sum(map(len, encoded)) > LONGEST_PATH_BYTES
    if too_long or len(parts) > DEEPEST:
        raise _refused(f"{name[:60]!r}... is too long or too deep a name")
    return parts


def _check_tree(entries: list[Entry], most: int) -> None:
    """No name twice (but a folder's), nothing below what is not a folder, and not too many folders."""
    kinds: dict[Parts, int] = {}
    seen: set[Parts] = set()
    for entry in entries:
        before = kinds.setdefault(entry.parts, entry.kind)
        if before != entry.kind or (before != stat.S_IFDIR and entry.parts in seen):
            raise _refused(f"{entry.info.filename!r} is there twice")
        seen.add(entry.parts)
    folders: set[Parts] = set()
    for parts in kinds:
        for depth in range(1, len(parts)):
            folder = parts[:depth]
            if kinds.get(folder, stat.S_IFDIR) != stat.S_IFDIR:
                raise _refused(f"{'/'.join(parts)!r} lies below something that is not a folder")
            folders.add(folder)
        if len(folders) > most:
            raise _refused(f"it has more than {most} folders")


def _check_links(archive: zipfile.ZipFile, entries: list[Entry]) -> None:
    links = {entry.parts: _target(archive, entry) for entry in entries if entry.kind == stat.S_IFLNK}
    for parts, target in links.items():
        if leads_out(parts, links):
            raise _refused(f"the link {'/'.join(parts)!r} -> {target!r} leads out of the package")


def _target(archive: zipfile.ZipFile, entry: Entry) -> str:
    with archive.open(entry.info) as file:
        target = file.read(LONGEST_TARGET_BYTES + 1)
    if not 0 < len(target) <= LONGEST_TARGET_BYTES or b"\0" in target:
        raise _refused(f"the link {entry.info.filename!r} has no usable target")
    return target.decode("utf-8")


def _pieces(archive: zipfile.ZipFile, entry: Entry) -> Iterator[bytes]:
    if entry.kind != stat.S_IFDIR:
        with archive.open(entry.info) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _refused(why: str) -> InvalidParameter:
    return InvalidParameter(f"{UNREADABLE} ({why})")
