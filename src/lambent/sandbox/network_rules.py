"""Which addresses a function with `egress` may reach: the internet, and nothing that is only near.

Pure. Knows: the ranges that no function reaches unless `egress_allow` names them, and what of an IPv6 address
is an IPv4 one in disguise. Does not know: which addresses are this host's own; `network_routes` asks the kernel.

Sources: IANA's special-purpose address registries (RFC 6890); RFC 6052 (64:ff9b::/96), RFC 3056 (2002::/16),
RFC 4291 (mapped and compatible addresses). The documentation ranges are left out of the list: they lead nowhere.
"""

import ipaddress
from collections.abc import Iterable, Iterator

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLOSED_IPV4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
)
# Below ::/96 lie the unspecified, loopback and IPv4-compatible addresses; 64:ff9b:1::/48, 2001::/23 and 2002::/16
# hold translators and tunnels, which lead to IPv4 addresses that we could not judge.
CLOSED_IPV6 = (
    *("::/96", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "fc00::/7", "fe80::/10"),
    *("fec0::/10", "ff00::/8"),
)
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
CLOSED: tuple[Network, ...] = tuple(map(ipaddress.ip_network, (*CLOSED_IPV4, *CLOSED_IPV6)))


class Rules(Struct, frozen=True):
    """The ranges that are open although they are closed, or the host's own."""

    allow: tuple[Network, ...] = ()

    def allowed_by_name(self, address: Address) -> bool:
        """Whether the settings name it: then it may even be the host's own."""
        return any(address in network for network in self.allow)

    def permits(self, address: Address) -> bool:
        """Whether its range is open."""
        if self.allowed_by_name(address):
            return True
        if isinstance(address, ipaddress.IPv6Address) and address in TRANSLATED:
            return self.permits(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return not any(address in network for network in CLOSED)


def rules(allow: Iterable[str]) -> Rules:
    """Rules with these CIDRs open.

    Raises:
        ValueError: one is not a network; the message says which.
    """
    return Rules(tuple(map(ipaddress.ip_network, allow)))


def routes(allow: Rules, *, version: int) -> Iterator[tuple[str, str]]:
    """(kind, network) of the routes inside an environment: what is closed fails at once there, by the kernel.

    A courtesy to functions, which see an error instead of a connection that breaks. The wall is the relay, because
    a socket that is bound to a device is not held by routes.
    """
    default = "0.0.0.0/0" if version == 4 else "::/0"
    named = [each for each in allow.allow if each.version == version]
    yield "local", default
    for closed in (each for each in CLOSED if each.version == version):
        inside = any(closed.subnet_of(each) for each in named)  # type: ignore[arg-type]
        if not inside and not closed.is_loopback:
            yield "prohibit", str(closed)
    yield from (("local", str(each)) for each in named if str(each) != default and each not in CLOSED)
