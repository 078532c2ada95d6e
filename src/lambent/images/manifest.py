"""Manifests, indexes and configurations of images: read and checked. Pure.

Source: OCI image specification; Docker image manifest version 2, schema 2, which names the same things otherwise.
"""

import hashlib
import re
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from lambent.images.api import Image, ImageSettings, Layer, invalid

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
CONFIGURATIONS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
LAYERS = (
    *(f"application/vnd.oci.image.layer.v1.tar{end}" for end in ("", "+gzip", "+zstd")),
    *(f"application/vnd.docker.image.rootfs.diff.tar{end}" for end in ("", ".gzip", ".zstd")),
)
MOST_BYTES = 4 * 1024 * 1024  # of a manifest or a configuration; the distribution specification asks for as much
SETTINGS_BYTES = 16 * 1024  # Lambda quotas: "Container image settings"
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
T = TypeVar("T")


class _Platform(Struct):
    architecture: str = ""
    os: str = ""


class _Descriptor(Struct, rename="camel"):
    digest: str
    size: int
    media_type: str = ""
    platform: _Platform | None = None


class _Manifest(Struct, rename="camel"):
    """A manifest or, with `manifests`, an index."""

    schema_version: int = 0
    media_type: str = ""
    config: _Descriptor | None = None
    layers: list[_Descriptor] = []
    manifests: list[_Descriptor] = []


class _Run(Struct, rename="pascal"):
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    working_dir: str = ""
    env: list[str] | None = None


class _Roots(Struct):
    diff_ids: list[str] = []


class _Configuration(Struct):
    architecture: str = ""
    os: str = ""
    config: _Run | None = None
    rootfs: _Roots = field(default_factory=_Roots)


class Parts(Struct, frozen=True):
    """What a manifest leads to."""

    config: str
    config_bytes: int
    layers: tuple[tuple[str, int], ...]


def chosen(data: bytes, architecture: str) -> str | None:
    """Of an index, the digest of the manifest for `architecture` (as Lambda calls it); None where `data` is a manifest.

    Raises:
        ImageError: it has none, or is neither.
    """
    read = _decoded(data, _Manifest, "manifest")
    if read.media_type not in INDEXES and not (read.manifests and not read.media_type):
        return None
    wanted = ARCHITECTURES[architecture]
    for each in read.manifests:
        if each.platform and each.platform.os == "linux" and each.platform.architecture == wanted:
            return _digest(each.digest)
    raise invalid(f"the image has nothing for linux/{wanted}")


def parts(data: bytes, most_layers: int) -> Parts:
    """What a manifest leads to. Raises ImageError."""
    read = _decoded(data, _Manifest, "manifest")
    if read.schema_version != 2 or read.config is None or read.media_type not in (*MANIFESTS, ""):
        raise invalid("its manifest is of a media type that is not supported")
    if read.config.media_type not in CONFIGURATIONS:
        raise invalid(f"its configuration has the media type {read.config.media_type!r}, which is not supported")
    for each in read.layers:
        if each.media_type not in LAYERS:
            raise invalid(f"a layer has the media type {each.media_type!r}, which is not supported")
        if each.size < 0:
            raise invalid("a layer has no size")
    if not 0 < len(read.layers) <= most_layers:
        raise invalid(f"it has {len(read.layers)} layers; from 1 to {most_layers} are allowed")
    layers = tuple((_digest(each.digest), each.size) for each in read.layers)
    return Parts(_digest(read.config.digest), read.config.size, layers)


def image(digest: str, found: Parts, config: bytes, architecture: str) -> Image:
    """The image of a manifest and its configuration. Raises ImageError."""
    read = _decoded(config, _Configuration, "configuration")
    wanted = ARCHITECTURES[architecture]
    if (read.os or "linux") != "linux" or read.architecture != wanted:
        raise invalid(f"it is for {read.os or 'linux'}/{read.architecture}; this function needs linux/{wanted}")
    if len(read.rootfs.diff_ids) != len(found.layers):
        raise invalid("its configuration tells of other layers than its manifest")
    layers = zip(found.layers, read.rootfs.diff_ids, strict=True)
    return Image(
        digest,
        tuple(Layer(name, size_bytes, _digest(diff_id)) for (name, size_bytes), diff_id in layers),
        _settings(read.config or _Run()),
    )


def _settings(run: _Run) -> ImageSettings:
    settings = ImageSettings(tuple(run.entrypoint or ()), tuple(run.cmd or ()), run.working_dir, tuple(run.env or ()))
    words = (*settings.entry_point, *settings.command, settings.working_directory, *settings.environment)
    if sum(len(word.encode()) for word in words) > SETTINGS_BYTES:
        raise invalid(f"its settings have more than {SETTINGS_BYTES} bytes")
    if any("\0" in word for word in words):
        raise invalid("its settings hold a NUL")
    if any("=" not in line or line.startswith("=") for line in settings.environment):
        raise invalid("its environment has a line without a name")
    return settings


def checked(data: bytes, digest: str) -> bytes:
    """`data`, which is what `digest` (`sha256:...`) names. Raises ImageError."""
    found = sha256(data)
    if found != digest:
        raise invalid(f"what came as {digest} is {found}")
    return data


def sha256(data: bytes) -> str:
    """The digest of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise invalid(f"{text[:80]!r} is not a SHA-256 digest")
    return text


def _decoded(data: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid(f"its {what} cannot be read: {error}") from None
