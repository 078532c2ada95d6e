"""The inside of an environment's network namespace: routes, redirection and sockets, made from outside.

Theory: the namespace has a loopback and nothing else, and it keeps that. Every address of the internet is made
*local* to it, and what is sent there is handed by the kernel (TPROXY) to two sockets of ours, with the
address that was meant. So there is no device that leads out, no neighbour to see, and no packet of a function
ever on a wire: whether and how it goes on is the relay's to decide, in `network_relay`.

All calls are made by one thread, which moves from namespace to namespace and never back to the host's: an
ordinary user's would not be let in again.

Sources: ip-route(8) (type local), nft(8) (tproxy), Linux's Documentation/networking/tproxy.rst.
"""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

from msgspec import Struct

from lambent.sandbox.network_rules import Rules, routes

CLONE_NEWNET = 0x40000000
PROGRAMS = {"ip": "iproute2", "nft": "nftables"}
PLACES = "/usr/sbin:/usr/bin:/sbin:/bin"
OWN_ADDRESS = "169.254.76.1"  # what an environment has on AWS, too
RELAY_PORT, DNS_PORT = 1, 53
BACKLOG = 256
LOOPBACKS = {4: "127.0.0.1", 6: "::1"}
_IP_TRANSPARENT, _IPV6_TRANSPARENT = 19, 75
IP_RECVORIGDSTADDR, IPV6_RECVORIGDSTADDR = 20, 74
REDIRECTION = f"""
table inet lambent {{
  chain outward {{
    type filter hook prerouting priority mangle; policy accept;
    ip daddr {{ 127.0.0.0/8, {OWN_ADDRESS} }} accept
    ip6 daddr ::1 accept
    meta l4proto {{ tcp, udp }} tproxy ip to 127.0.0.1:{RELAY_PORT} accept
    meta l4proto {{ tcp, udp }} tproxy ip6 to [::1]:{RELAY_PORT} accept
  }}
}}
"""


class Doors(Struct, frozen=True):
    """The sockets through which a namespace is served; they keep it alive until they are closed."""

    streams: tuple[socket.socket, ...]  # TCP, listening
    datagrams: tuple[socket.socket, ...]  # UDP; each message comes with the address that was meant
    names: socket.socket  # UDP, port 53
    names_streams: socket.socket  # TCP, port 53

    def close(self) -> None:
        """Let go."""
        for each in (*self.streams, *self.datagrams, self.names, self.names_streams):
            each.close()


def missing_programs() -> list[str]:
    """The packages of the programs that are not here."""
    return [package for name, package in PROGRAMS.items() if shutil.which(name, path=PLACES) is None]


def move_into(namespace: int) -> None:
    """Put this thread into the network namespace behind `namespace`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(ctypes.c_int(namespace), ctypes.c_int(CLONE_NEWNET)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def furnish(namespace: int, rules: Rules, *, ipv6: bool) -> Doors:
    """Lay the routes and open the doors.

    Raises:
        OSError: the kernel refused a step, or a program did; the message has its words.
    """
    move_into(namespace)
    lay(rules, ipv6=ipv6)
    versions = (4, 6) if ipv6 else (4,)
    return Doors(
        streams=tuple(_door(version, socket.SOCK_STREAM) for version in versions),
        datagrams=tuple(_door(version, socket.SOCK_DGRAM) for version in versions),
        names=_bound(socket.SOCK_DGRAM, DNS_PORT),
        names_streams=_listening(_bound(socket.SOCK_STREAM, DNS_PORT)),
    )


def lay(rules: Rules, *, ipv6: bool) -> None:
    """Routes and redirection, in the namespace that we are in. Raises OSError."""
    for version in (4, 6) if ipv6 else (4,):
        _run("ip", f"-{version}", "-batch", "-", lines="\n".join(_routes(rules, version)) + "\n")
    _run("nft", "-f", "-", lines=REDIRECTION)


def bring_up_loopback() -> None:
    """Where nobody has done it yet. Raises OSError."""
    _run("ip", "link", "set", "lo", "up", lines="")


def _routes(rules: Rules, version: int) -> Iterator[str]:
    source = f"src {OWN_ADDRESS}" if version == 4 else ""
    if version == 4:
        yield f"address add {OWN_ADDRESS}/32 dev lo"
    for kind, network in routes(rules, version=version):
        yield f"route add {kind} {network} " + (f"dev lo table main {source}" if kind == "local" else "table main")


def _run(program: str, *words: str, lines: str) -> None:
    path = shutil.which(program, path=PLACES)
    if path is None:
        raise OSError(f"{program} is not installed")
    done = subprocess.run([path, *words], input=lines, text=True, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"{program}: {done.stderr.strip().partition(chr(10))[0]}")


def _door(version: int, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind)
    if version == 4:
        made.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        made.setsockopt(socket.IPPROTO_IP, IP_RECVORIGDSTADDR, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
    made.bind((LOOPBACKS[version], RELAY_PORT))
    made.setblocking(False)
    return _listening(made) if kind == socket.SOCK_STREAM else made


def _bound(kind: socket.SocketKind, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((LOOPBACKS[4], port))
    made.setblocking(False)
    return made


def _listening(made: socket.socket) -> socket.socket:
    made.listen(BACKLOG)
    return made


def answering_socket(namespace: int, meant: tuple[str, int], client: tuple[str, int]) -> socket.socket:
    """A UDP socket inside that speaks to `client` as the address that it meant."""
    move_into(namespace)
    family = socket.AF_INET6 if ":" in meant[0] else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        else:
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
        made.bind(meant)
        made.connect(client)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
