"""The name of an image: HOST[:PORT]/NAME[:TAG][@sha256:DIGEST].

`localhost/NAME` without a port is no registry: it is an image that the operator has imported. Pure.
Source: OCI distribution specification (names, tags); the rule that the first part is a host is Docker's.
"""

import re

from msgspec import Struct

from lambent.images.api import ImageError

LOCAL = "localhost"
DEFAULT_TAG = "latest"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_FORM = re.compile(
    r"(?P<host>localhost|(?=[^/]*[.:])[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)"
    rf"/(?P<name>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)
LONGEST = 512


class Reference(Struct, frozen=True):
    """A name in its parts. Where there is a digest it counts, and the tag does not."""

    host: str
    name: str
    tag: str
    digest: str = ""

    @property
    def local(self) -> bool:
        """Whether it is an imported image."""
        return self.host == LOCAL

    @property
    def wanted(self) -> str:
        """What to ask a registry for."""
        return f"sha256:{self.digest}" if self.digest else self.tag

    @property
    def tagged(self) -> str:
        """The name with its tag."""
        return f"{self.host}/{self.name}:{self.tag}"

    def at(self, digest: str) -> str:
        """The name of exactly one image."""
        return f"{self.host}/{self.name}@sha256:{digest}"


def parse(text: str) -> Reference:
    """The parts of `text`. Raises ImageError."""
    found = _FORM.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ImageError(
            "invalid", f"{text[:100]!r} is not the name of an image: HOST/NAME:TAG or HOST/NAME@sha256:..."
        )
    return Reference(found["host"], found["name"], found["tag"] or DEFAULT_TAG, found["digest"] or "")
