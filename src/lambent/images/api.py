"""The contract of this room: what an image is, and how getting one can fail.

An image is named by the SHA-256 of its manifest. A `Source` gives manifests and blobs as they came, which
whoever asks has to check against their digests; `Shelf` keeps what was checked. Nothing here knows functions.

Source: OCI image specification (manifest, image index, image configuration) and distribution specification.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct

from lambent.errors import LambentError

Kind = Literal["missing", "denied", "invalid", "unreachable"]


class ImageError(LambentError):
    """An image cannot be had. `kind`: there is none, we may not have it, it is not what an image has to be, or
    nobody answers. The message is for the function's author."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message


def invalid(message: str) -> ImageError:
    """What the image holds is refused."""
    return ImageError("invalid", message)


class Layer(Struct, frozen=True):
    """One layer: the digest of what is transferred, and `diff_id`, that of the tar inside."""

    digest: str
    size_bytes: int
    diff_id: str


class ImageSettings(Struct, frozen=True, omit_defaults=True):
    """How the image wants to be run. `environment` has lines as `NAME=value`."""

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""
    environment: tuple[str, ...] = ()


class Image(Struct, frozen=True):
    """An image for one architecture; `digest` is its manifest's, as 64 hexadecimal digits."""

    digest: str
    layers: tuple[Layer, ...]
    settings: ImageSettings = ImageSettings()


class Limits(Struct, frozen=True):
    """How large an image may be."""

    unpacked_bytes: int
    entries: int
    layers: int


class Progress(Struct, frozen=True):
    """How far a pull is, in bytes of transfer."""

    done_bytes: int
    total_bytes: int


class Source(Protocol):
    """Where images come from. Both raise ImageError."""

    def manifest(self, reference: str) -> bytes:
        """The manifest or index of a tag or digest (`sha256:...`)."""

    def blob(self, digest: str) -> Iterator[bytes]:
        """The pieces of a blob."""
