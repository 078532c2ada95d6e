"""Streamed answers where the environment is with another edge than the client: as if it were at the client's own.

Control is away for all of it, and the environment cannot move (a custom runtime), so that what runs at all runs there.
Source of the promise: DESIGN.md, "Static stability"; docs/decisions/0029 and 0040.
"""

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

BOOTSTRAP = """#!/usr/bin/python3
import http.client, json, os, socket, time, uuid
who, (host, port) = str(uuid.uuid4()), os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
path = "/2018-06-01/runtime/invocation/"
while True:
    api = http.client.HTTPConnection(host, int(port))
    api.request("GET", path + "next")
    answer = api.getresponse()
    request_id, event = answer.headers["lambda-runtime-aws-request-id"], json.loads(answer.read())
    gate = event.get("gate") or event.get("rawQueryString")
    raw = socket.create_connection((host, int(port)))
    raw.sendall((f"POST {path}{request_id}/response HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\\r\\nContent-Type: text/plain\\r\\n\\r\\n").encode())
    def send(piece):
        raw.sendall(f"{len(piece):x}\\r\\n{piece}\\r\\n".encode())
    send(who)
    while gate and not os.path.exists(f"/mnt/gates/{gate}/open"):
        time.sleep(0.02)
    for number in range(64):  # 4 MB, more than both edges hold of one answer
        send("x" * 65536)
    raw.sendall(b"0\\r\\n\\r\\n")
    raw.recv(100)
    raw.close()
    api.close()
"""
NAME_BYTES, REST_BYTES = 36, 64 * 65536


def status(platform: "Platform") -> Any:
    return json.loads(platform.lambent("status", "--format", "json", "--data", str(platform.server.data)).stdout)


class Rig:
    """A function with one environment, both edges' pids, and connections to the one or the other of them."""

    def __init__(self, platform: "Platform", eventually: Any) -> None:
        self.platform, self._eventually = platform, eventually
        limits = {"MemorySize": 1769, "Timeout": 120, "FileSystemConfigs": [platform.gates()]}
        self.name = platform.create_from({"bootstrap": BOOTSTRAP}, "provided.al2023", "x", ["bootstrap"], **limits)
        lambda_ = platform.client("lambda")
        lambda_.put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=1)
        public = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
        url = lambda_.create_function_url_config(FunctionName=self.name, **public)["FunctionUrl"]
        allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
        lambda_.add_permission(FunctionName=self.name, StatementId="public", **allowed)
        self._path = f"/_aws/lambda-url/{urlsplit(url).netloc.partition('.')[0]}/"
        self._address = urlsplit(platform.endpoint).netloc

    def connect(self, edge: int) -> http.client.HTTPConnection:
        """A new connection that this edge has accepted; those that it has not stay open until it has one."""
        others = list[http.client.HTTPConnection]()
        while len(others) < 100:
            connection = http.client.HTTPConnection(self._address, timeout=60)
            connection.connect()
            if self._eventually(lambda held=connection: holder_of(held, self.edges)) == self.edges[edge]:
                break
            others.append(connection)
        else:
            raise AssertionError("one edge takes all connections")
        for other in others:
            other.close()
        return connection

    def begin(self, connection: http.client.HTTPConnection, gate: str = "") -> tuple[str, http.client.HTTPResponse]:
        """Ask on `connection`; who answers, before the rest of it can be read."""
        connection.request("GET", f"{self._path}?{gate}")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer.read(NAME_BYTES).decode(), answer

    def ask(self, connection: http.client.HTTPConnection) -> str:
        """Ask on `connection` and read all of it; who answered."""
        who, answer = self.begin(connection)
        assert len(answer.read()) == REST_BYTES
        return who

    def ask_lambda(self) -> str:
        """The same by InvokeWithResponseStream, on a new connection to any edge."""
        client = self.platform.client("lambda")
        parts = list(client.invoke_with_response_stream(FunctionName=self.name, Payload=b"{}")["EventStream"])
        client.close()
        assert parts.pop() == {"InvokeComplete": {}}
        whole = b"".join(part["PayloadChunk"]["Payload"] for part in parts)
        assert len(whole) == NAME_BYTES + REST_BYTES
        return whole[:NAME_BYTES].decode()

    @contextmanager
    def without_control(self) -> Iterator[int]:
        """Control is killed and kept away, and each edge has heard of the function; the edge with the environment."""
        parts = status(self.platform)["parts"]
        self.edges = [edge["pid"] for edge in parts["edges"]]
        for edge in range(2):
            self.ask(self.connect(edge))
        (environment,) = status(self.platform)["environments"]
        os.kill(self.platform.server.process.pid, signal.SIGSTOP)
        try:
            os.kill(parts["control"]["pid"], signal.SIGKILL)
            yield int(environment["edge"])
        finally:
            os.kill(self.platform.server.process.pid, signal.SIGCONT)


def holder_of(connection: http.client.HTTPConnection, pids: list[int]) -> int | None:
    """Which of these processes has the other end; None: nobody yet."""
    ours = connection.sock.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2].endswith(f":{ours:04X}"):
            return next((pid for pid in pids if holds(pid, f"socket:[{fields[9]}]")), None)
    return None


def holds(pid: int, what: str) -> bool:
    def leads_to(link: Path) -> str:
        try:
            return os.readlink(link)
        except FileNotFoundError:  # closed since
            return ""

    return any(leads_to(link) == what for link in Path(f"/proc/{pid}/fd").iterdir())


def test_an_answer_in_pieces_comes_from_the_edge_that_has_the_environment_until_that_dies(
    own_server: Callable[..., "Platform"], eventually: Any
) -> None:
    platform = own_server("--edges", "2")
    rig = Rig(platform, eventually)
    with rig.without_control() as host:
        far = 1 - host
        one = rig.ask(rig.connect(host))
        assert {rig.ask(rig.connect(edge)) for edge in (far, host, far)} == {one}
        assert {rig.ask_lambda() for _ in range(8)} == {one}
        with platform.gate() as gate:
            who, answer = rig.begin(rig.connect(far), gate.name)
            assert who == one, "the first piece is here while the function goes on"
            gate.open()
            assert len(answer.read()) == REST_BYTES
        left = rig.connect(far)
        with platform.gate() as gate:
            assert rig.begin(left, gate.name)[0] == one
            left.close()  # and the function runs on for nobody
        assert rig.ask(rig.connect(far)) == one
        with platform.gate() as gate:
            who, answer = rig.begin(rig.connect(far), gate.name)
            os.kill(rig.edges[host], signal.SIGKILL)
            with pytest.raises(http.client.IncompleteRead):
                answer.read()
    eventually(lambda: platform.lambent("status", "--data", str(platform.server.data)).returncode == 0)
    eventually(lambda: rig.ask_lambda() != one)
    assert len(platform.logged(rig.name, "REPORT")) >= 14
