"""Where a part listens: `unix:/path` or `tcp:host:port`."""

from typing import NamedTuple


class Address(NamedTuple):
    """A Unix path, or a TCP host and port; exactly one is set."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"tcp:{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address that `text` writes.

    Raises:
        ValueError: it is neither `unix:/path` nor `tcp:host:port`.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return Address(path=rest)
    host, separator, port = rest.rpartition(":")
    if kind == "tcp" and separator and host and port.isdigit() and int(port) < 65536:
        return Address(host=host, port=int(port))
    raise ValueError(f"not an address: {text!r}; write unix:/path or tcp:host:port")
