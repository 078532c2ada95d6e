"""Images in files, as sources: an OCI layout, or what `docker save` and its like write; a folder or a tar of it.

Source: OCI image specification, "Image layout"; the older form of `docker save` (manifest.json with layers as
tars) has no manifest of its own, so one is made, in which the layers are named by what they are unpacked.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from msgspec import Struct

from lambent.images import manifest
from lambent.images.api import ImageError, invalid

PIECE_BYTES = 256 * 1024
INDEX, DOCKER = "index.json", "manifest.json"
NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
T = TypeVar("T")


class Files:
    """The files of a folder or of a tar, by their paths. Close it."""

    def __init__(self, path: Path) -> None:
        self._folder = path if path.is_dir() else None
        try:
            self._tar = None if self._folder else tarfile.open(path)  # noqa: SIM115 - closed by `close`
        except (OSError, tarfile.TarError) as error:
            raise invalid(f"{path} is neither a folder nor a tar: {error}") from error
        names = {} if self._tar is None else {each.name.removeprefix("./"): each for each in self._tar if each.isreg()}
        self._members = names

    def open(self, name: str) -> IO[bytes]:
        """Raises ImageError where there is none."""
        try:
            if self._folder is not None:
                return open(self._folder / name, "rb")
            found = self._tar.extractfile(self._members[name]) if self._tar else None
        except (OSError, KeyError):
            found = None
        if found is None:
            raise ImageError("missing", f"there is no {name} in it")
        return found

    def read(self, name: str) -> bytes:
        """The content of a small one. Raises ImageError."""
        with self.open(name) as file:
            data = file.read(manifest.MOST_BYTES + 1)
        if len(data) > manifest.MOST_BYTES:
            raise invalid(f"its {name} is too large")
        return data

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return (self._folder / name).is_file() if self._folder is not None else name in self._members

    def close(self) -> None:
        """Let go of the tar."""
        if self._tar is not None:
            self._tar.close()


class _Entry(Struct, rename="camel"):
    digest: str
    media_type: str = ""
    annotations: dict[str, str] = {}


class _Index(Struct):
    manifests: list[_Entry] = []


class _Saved(Struct, rename="pascal"):
    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


class Archive:
    """Implements `Source`; `top` is the digest of the one image in it (or of an index of one for each processor)."""

    def __init__(self, files: Files, wanted: str = "") -> None:
        self._files = files
        self._made: dict[str, bytes] = {}
        self._paths: dict[str, str] = {}
        found = self._layout() if files.has(INDEX) else self._docker()
        chosen = {name: digest for name, digest in found if not wanted or _called(name, wanted)}
        if len(set(chosen.values())) != 1:
            told = ", ".join(sorted(name or digest for name, digest in found))
            why = f"none of its images is called {wanted}" if wanted else "it has several images (--from says which)"
            raise ImageError("missing", f"{why}: {told}")
        self.name, self.top = next(iter(chosen.items()))

    def _layout(self) -> list[tuple[str, str]]:
        read = _decoded(self._files.read(INDEX), _Index)
        return [
            (next((each.annotations[name] for name in NAME_ANNOTATIONS if name in each.annotations), ""), each.digest)
            for each in read.manifests
        ]

    def _docker(self) -> list[tuple[str, str]]:
        found = []
        for saved in _decoded(self._files.read(DOCKER), list[_Saved]):
            digest = self._made_manifest(saved)
            found += [(name, digest) for name in saved.repo_tags or [""]]
        return found

    def _made_manifest(self, saved: _Saved) -> str:
        config = self._files.read(saved.config)
        layers = []
        for path in saved.layers:
            digest, size_bytes = self._measured(path)
            self._paths[digest] = path
            layers.append({"mediaType": manifest.LAYERS[0], "digest": digest, "size": size_bytes})
        self._made[manifest.sha256(config)] = config
        data = msgspec.json.encode(
            {
                "schemaVersion": 2,
                "mediaType": manifest.MANIFESTS[0],
                "config": {
                    "mediaType": manifest.CONFIGURATIONS[0],
                    "digest": manifest.sha256(config),
                    "size": len(config),
                },
                "layers": layers,
            }
        )
        self._made[manifest.sha256(data)] = data
        return manifest.sha256(data)

    def _measured(self, path: str) -> tuple[str, int]:
        digest, size_bytes = hashlib.sha256(), 0
        with self._files.open(path) as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
                size_bytes += len(piece)
        return f"sha256:{digest.hexdigest()}", size_bytes

    def manifest(self, reference: str) -> bytes:
        """See `Source`."""
        return self._made.get(reference) or self._files.read(_path(reference))

    def blob(self, digest: str) -> Iterator[bytes]:
        """See `Source`."""
        if digest in self._made:
            yield self._made[digest]
            return
        with self._files.open(self._paths.get(digest) or _path(digest)) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


def _called(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith((f"/{wanted}", f":{wanted}"))


def _path(digest: str) -> str:
    kind, _, value = digest.partition(":")
    if kind != "sha256" or not value.isalnum():
        raise invalid(f"{digest[:80]!r} is not a SHA-256 digest")
    return f"blobs/{kind}/{value}"


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid(f"its list of images cannot be read: {error}") from error
