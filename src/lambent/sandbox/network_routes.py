"""What the kernel would do with a packet of this host: asked of its routing tables over netlink.

Knows: one question, RTM_GETROUTE. The host's own addresses come and go; asking for each connection is exact, and
takes less than the connection. Source: rtnetlink(7), <linux/rtnetlink.h>.
"""

import ipaddress
import socket
import struct

from lambent.sandbox.network_rules import Address

_RTM_GETROUTE, _NLM_F_REQUEST, _NLMSG_ERROR = 26, 1, 2
_RTA_DST, _RTN_UNICAST = 1, 1
_HEADER, _ROUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBBBBBI")
_ANSWER_BYTES = 4096
_ANYWHERE_IPV6 = ipaddress.IPv6Address("2600::")  # global unicast: it has a route where there is an IPv6 internet


def leads_away(address: Address) -> bool:
    """Whether it is another machine's: neither ours, nor broadcast, nor without a way."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    packed = address.packed
    attribute = struct.pack("=HH", 4 + len(packed), _RTA_DST) + packed
    body = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0) + attribute
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(_HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, _NLM_F_REQUEST, 1, 0) + body)
        answer = netlink.recv(_ANSWER_BYTES)
    if _HEADER.unpack_from(answer)[1] == _NLMSG_ERROR:
        return False
    kind: int = _ROUTE.unpack_from(answer, _HEADER.size)[7]
    return kind == _RTN_UNICAST


def has_ipv6() -> bool:
    """Whether this host has a way to the IPv6 internet."""
    return leads_away(_ANYWHERE_IPV6)
