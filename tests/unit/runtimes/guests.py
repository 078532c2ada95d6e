"""A bootstrap of another language than Python, run by that language's own interpreter over a socket pair."""

import json
import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lambent.environment import frames
from lambent.environment.frames import Frame, FrameReader

RUNTIMES = Path(frames.__file__).parents[1] / "runtimes"
FAR_MS = "4102444800000"
WAIT_S = 60


class Bootstrap:
    """One process, driven by blocking calls."""

    def __init__(self, command: str, root: Path) -> None:
        self.root = root
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(WAIT_S)
        read, self._assignment = os.pipe()
        self._output, write = os.pipe()
        self._reader, self._frames = FrameReader(), list[Frame]()
        script = f"exec {command} 3<&{theirs.fileno()} 4<&{read}"
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", script], pass_fds=(theirs.fileno(), read), stdout=write, stderr=write
        )
        theirs.close()
        os.close(read)
        os.close(write)

    def assign(self, handler: str, variables: dict[str, str]) -> None:
        """Give it its function."""
        if handler:
            told = {"handler": handler, "variables": variables, "task_root": str(self.root), "runtime_api": ""}
            os.write(self._assignment, json.dumps(told).encode())
        os.close(self._assignment)

    def receive(self) -> Frame | None:
        """The next frame; None when the process hangs up."""
        while not self._frames:
            data = self.channel.recv(65536)
            if not data:
                return None
            self._frames += self._reader.feed(data)
        return self._frames.pop(0)

    def invoke(self, event: Any, request_id: str = "r1", trace: str = "Root=1", client_context: str = "") -> Frame:
        """The frame that answers an invocation first."""
        fields = [request_id, FAR_MS, "arn", trace, client_context]
        self.channel.sendall(frames.encode(frames.INVOKE, fields, json.dumps(event).encode()))
        answer = self.receive()
        assert answer is not None, self.output()
        return answer

    def output(self) -> str:
        """What was written until now."""
        text = b""
        while select.select([self._output], [], [], 0)[0] and (data := os.read(self._output, 65536)):
            text += data
        return text.decode()

    def close(self) -> None:
        self.channel.close()
        self.process.wait(WAIT_S)
        os.close(self._output)


Start = Callable[..., Bootstrap]


def starter(command: str, root: Path, usual_handler: str) -> Iterator[Start]:
    """Yields what starts bootstraps on a folder with given files and assigns their handlers; ends them afterwards."""
    started: list[Bootstrap] = []

    def begin(files: dict[str, str], handler: str = usual_handler, **variables: str) -> Bootstrap:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        bootstrap = Bootstrap(command, root)
        started.append(bootstrap)
        bootstrap.assign(handler, {"PATH": "/usr/bin:/bin", **variables})
        return bootstrap

    yield begin
    for bootstrap in started:
        bootstrap.close()


def ready(bootstrap: Bootstrap) -> Bootstrap:
    """Behind its init phase."""
    frame = bootstrap.receive()
    assert frame is not None
    assert frame.kind == frames.READY, (frame, bootstrap.output())
    return bootstrap
