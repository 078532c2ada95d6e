"""What is kept of images, in one folder that several processes use: control's pulls, and the command line.

    layers/DIGEST/tree      a layer, unpacked once; beside it changes.json (see `layer_tree`)
    images/DIGEST.json      an image: its layers and settings
    names/NAME              the digest of the image that the operator has imported or fetched under a name

Everything is made beside its place, synced and renamed: under its own name it is whole or absent. Whoever adds
something holds the lock shared; `collect` wants it alone, and what it then finds unfinished nobody works on.
Two who make the same make it twice, and the second rename loses.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from lambent.ids import Ids
from lambent.images.api import Image, ImageError, Layer
from lambent.images.layer_tree import Changes
from lambent.store.durable import sync_file_system, sync_folder, write_synced

UNFINISHED = ".unfinished-"
TREE, CHANGES = "tree", "changes.json"


class Shelf:
    """See the module; `folder` is made when something is added."""

    def __init__(self, folder: Path, ids: Ids) -> None:
        self._folder, self._ids = folder, ids
        self._layers, self._images, self._names = (folder / name for name in ("layers", "images", "names"))

    @contextlib.contextmanager
    def adding(self) -> Iterator[None]:
        """While something is added, and until whoever needs it has a link of their own to it."""
        for each in (self._layers, self._images, self._names):
            each.mkdir(mode=0o755, parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)

    def changes(self, layer: Layer) -> Changes | None:
        """What is known of a layer that is here; None for one that is not."""
        try:
            return msgspec.json.decode((self._place(layer) / CHANGES).read_bytes(), type=Changes)
        except FileNotFoundError:
            return None

    def tree(self, layer: Layer) -> Path:
        """Where a layer's files are."""
        return self._place(layer) / TREE

    def _place(self, layer: Layer) -> Path:
        return self._layers / _hex(layer.diff_id)

    @contextlib.contextmanager
    def new_layer(self) -> Iterator[Path]:
        """A folder to unpack into, gone afterwards unless `keep_layer` has taken it."""
        making = self._layers / f"{UNFINISHED}{self._ids.hex(16)}"
        (making / TREE).mkdir(parents=True)
        try:
            yield making / TREE
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def keep_layer(self, tree: Path, layer: Layer, changes: Changes) -> None:
        """What was unpacked into `tree` is `layer`."""
        making = tree.parent
        making.chmod(0o755)
        write_synced(making / CHANGES, msgspec.json.encode(changes))
        sync_file_system(making)
        with contextlib.suppress(FileExistsError, OSError):  # another process was faster
            making.rename(self._place(layer))
        if self.changes(layer) is None:
            raise OSError(f"a layer could not be kept: {self._place(layer)}")
        sync_folder(self._layers)

    def keep_image(self, image: Image) -> None:
        """Remember what an image is made of."""
        self._write(self._images / f"{image.digest}.json", msgspec.json.encode(image))

    def image(self, digest: str) -> Image:
        """The image of a manifest's digest. Raises ImageError."""
        try:
            return msgspec.json.decode((self._images / f"{digest}.json").read_bytes(), type=Image)
        except FileNotFoundError:
            raise ImageError("missing", f"there is no image sha256:{digest} here") from None

    def name(self, name: str, digest: str) -> None:
        """Call an image so; another one that was called so is not any more."""
        self._write(self._names / quote(name, safe=""), digest.encode())

    def named(self, name: str) -> Image:
        """The image that is called so. Raises ImageError."""
        digest = self.names().get(name)
        if digest is None:
            raise ImageError("missing", f"no image was imported as {name}; `lambent image list` shows those that were")
        return self.image(digest)

    def names(self) -> dict[str, str]:
        """The digests of all images that have names."""
        if not self._names.is_dir():
            return {}
        found = sorted(path for path in self._names.iterdir() if not path.name.startswith(UNFINISHED))
        return {unquote(path.name): path.read_text() for path in found}

    def forget_name(self, name: str) -> bool:
        """No image is called so any more; whether one was. Its layers go at the next collection."""
        try:
            (self._names / quote(name, safe="")).unlink()
        except FileNotFoundError:
            return False
        return True

    def _write(self, path: Path, data: bytes) -> None:
        making = path.parent / f"{UNFINISHED}{self._ids.hex(16)}"
        write_synced(making, data)
        making.rename(path)
        sync_folder(path.parent)

    def collect(self, needed: Collection[str]) -> list[str]:
        """Delete the images that have no name and are not among `needed`, and layers of none; which layers went.

        Nothing while somebody adds something: another time will do.
        """
        if not self._layers.is_dir():
            return []
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return self._collect({*needed, *self.names().values()})
        except BlockingIOError:
            return []

    def _collect(self, needed: set[str]) -> list[str]:
        used: set[str] = set()
        for path in self._images.glob("*.json"):
            if path.stem in needed:
                used |= {_hex(layer.diff_id) for layer in self.image(path.stem).layers}
            else:
                path.unlink()
        for leftover in (*self._names.glob(f"{UNFINISHED}*"), *self._images.glob(f"{UNFINISHED}*")):
            leftover.unlink()
        gone = []
        for path in self._layers.iterdir():
            if path.name in used:
                continue
            leaving = path
            if not path.name.startswith(UNFINISHED):
                gone.append(path.name)
                leaving = path.rename(self._layers / f"{UNFINISHED}{path.name}")
            shutil.rmtree(leaving)
        return sorted(gone)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
