"""An internet of our own: two network namespaces and a wire between them, with services on both ends.

In the first stands the agent, so that it is the "host": its address is public-looking, and a service of its own
listens on every address. In the second are the internet's services, and ones at private addresses, which would
answer if anything let a function through to them. No packet leaves the machine.
"""

import os
import subprocess
import sys
from pathlib import Path

HOST, ROUTER = "198.51.100.2", "198.51.100.1"
HOST6, ROUTER6 = "2a0a:1111::2", "2a0a:1111::1"
WEB, WEB6, RESOLVER = "203.0.113.10", "2a0a:2222::10", "203.0.113.53"
PRIVATE = ("10.9.9.9", "172.16.5.5", "192.168.7.7", "100.64.1.1", "169.254.169.254", "192.0.0.170", "198.18.0.1")
PRIVATE6 = ("fd00:9::9", "64:ff9b::a09:909", "2002:a09:909::1")
NAMES = {b"web.example": WEB, b"inside.example": PRIVATE[0], b"metadata.example": "169.254.169.254"}
TCP_PORT, UDP_PORT = 80, 9999
SERVICES = """
import socket, sys, threading
tcp, udp, names = eval(sys.argv[1])
def family(host): return socket.AF_INET6 if ":" in host else socket.AF_INET
def serve_tcp(host, port):
    server = socket.create_server((host, port), family=family(host))
    while True:
        connection, peer = server.accept()
        threading.Thread(target=answer, args=(connection, host), daemon=True).start()
def answer(connection, host):
    with connection:
        connection.sendall(f"{host}:".encode())
        while data := connection.recv(65536): connection.sendall(data)
def serve_udp(host, port):
    with socket.socket(family(host), socket.SOCK_DGRAM) as server:
        server.bind((host, port))
        while True:
            data, peer = server.recvfrom(65536)
            server.sendto(host.encode() + b":" + data, peer)
def serve_names(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((host, 53))
        while True:
            query, peer = server.recvfrom(512)
            name, end = b"", 12
            while query[end]:
                name, end = name + query[end + 1:end + 1 + query[end]] + b".", end + 1 + query[end]
            question, found = query[12:end + 5], names.get(name[:-1]) if query[end + 2] == 1 else None
            flags, count = (b"\\x81\\x80", 1) if name[:-1] in names else (b"\\x81\\x83", 0)
            count = count if found else 0
            record = b"\\xc0\\x0c" + bytes([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]) + socket.inet_aton(found) if found else b""
            counts = bytes([0, 1, 0, count, 0, 0, 0, 0])
            server.sendto(query[:2] + flags + counts + question + record, peer)
for target, places in ((serve_tcp, tcp), (serve_udp, udp)):
    for place in places: threading.Thread(target=target, args=place, daemon=True).start()
if names: threading.Thread(target=serve_names, args=("203.0.113.53",), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


class Internet:
    """Made by root; `close` takes all of it away."""

    def __init__(self, home: Path) -> None:
        self._names = [f"lambent-{side}-{os.getpid()}" for side in ("host", "world")]
        self._resolv = home / "resolv.conf"
        self._resolv.write_text(f"nameserver {RESOLVER}\n")
        self._resolv.chmod(0o644)
        self._running: list[subprocess.Popen[bytes]] = []
        for name in self._names:
            _ip("netns", "add", name)
        try:
            self._wire()
            everywhere = [(host, TCP_PORT) for host in (WEB, WEB6, *PRIVATE, *PRIVATE6)]
            self._serve(1, everywhere, [(host, UDP_PORT) for host in (WEB, WEB6, *PRIVATE)], NAMES)
            self._serve(0, [("0.0.0.0", 8080), ("::1", 8080), (HOST6, 8080)], [("0.0.0.0", UDP_PORT)], {})
        except BaseException:
            self.close()
            raise

    def _wire(self) -> None:
        host, world = self._names
        _ip("link", "add", "wire", "netns", host, "type", "veth", "peer", "name", "wire", "netns", world)
        for name in self._names:
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", "wire", "up")
        for name, addresses in ((host, (f"{HOST}/24", f"{HOST6}/64")), (world, (f"{ROUTER}/24", f"{ROUTER6}/64"))):
            for address in addresses:
                _address(name, address, "wire")
        for address in (WEB, RESOLVER, *PRIVATE, WEB6, *PRIVATE6):
            _address(world, f"{address}/{128 if ':' in address else 32}", "lo")
        _ip("-n", host, "route", "add", "default", "via", ROUTER)
        _ip("-n", host, "-6", "route", "add", "default", "via", ROUTER6)

    def _serve(
        self, side: int, tcp: list[tuple[str, int]], udp: list[tuple[str, int]], names: dict[bytes, str]
    ) -> None:
        command = ["nsenter", f"--net=/run/netns/{self._names[side]}", sys.executable, "-c", SERVICES]
        served = repr((tcp, udp, names))
        process = subprocess.Popen([*command, served], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"

    @property
    def place(self) -> tuple[str, ...]:
        """The start of a command that runs on the "host"."""
        enter = ("nsenter", f"--net=/run/netns/{self._names[0]}", "unshare", "--mount", "sh", "-c")
        return (*enter, 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(self._resolv))

    def close(self) -> None:
        """End the services and take the namespaces away."""
        for process in self._running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _address(namespace: str, address: str, device: str) -> None:
    extra = ("nodad",) if ":" in address else ()
    _ip("-n", namespace, "address", "add", address, "dev", device, *extra)
