"""A real bootstrap process over a socket pair, on the interpreter of one's choice."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lambent.environment import frames
from lambent.environment.frames import Frame, FrameReader
from lambent.environment.output import OutputBuffer

RUNTIME = Path(frames.__file__).parents[1] / "runtimes" / "python"
LAUNCH = """import sys
sys.path.insert(0, sys.argv[1])
import bootstrap
bootstrap.run(int(sys.argv[2]), sys.argv[3], 'on-demand')
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f:alias"
FAR_MS = "4102444800000"
WAIT_S = 60


class Bootstrap:
    """One bootstrap process, driven by blocking calls; nothing here waits longer than WAIT_S."""

    def __init__(self, root: Path, handler: str, python: str, variables: dict[str, str]) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(WAIT_S)
        self._output, write_end = os.pipe()
        self._reader = FrameReader()
        fd = theirs.fileno()
        environment = {
            "LAMBDA_TASK_ROOT": str(root),
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
            "PATH": os.environ["PATH"],
            "TZ": ":UTC",
            **variables,
        }
        self.process = subprocess.Popen(
            [python, "-I", "-S", "-c", LAUNCH, str(RUNTIME), str(fd), handler],
            pass_fds=(fd,),
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
        )
        theirs.close()
        os.close(write_end)

    def receive(self) -> Frame | None:
        """The next frame; None when the process hangs up."""
        while True:
            data = self.channel.recv(65536)
            if not data:
                return None
            received = self._reader.feed(data)
            if received:
                (frame,) = received
                return frame

    def ready(self) -> "Bootstrap":
        frame = self.receive()
        assert frame is not None
        assert frame.kind == frames.READY, (frame, self.lines())
        return self

    def invoke(
        self,
        payload: bytes = b"{}",
        request_id: str = "r-1",
        trace: str = "",
        client_context: str = "",
        deadline_ms: str = FAR_MS,
    ) -> Frame | None:
        fields = [request_id, deadline_ms, ARN, trace, client_context]
        self.channel.sendall(frames.encode(frames.INVOKE, fields, payload))
        return self.receive()

    def lines(self) -> list[str]:
        """What has been written up to now."""
        buffer = OutputBuffer()
        while select.select([self._output], [], [], 0)[0]:
            data = os.read(self._output, 65536)
            if not data:
                break
            buffer.feed(data, 0)
        buffer.finish()
        return [line.text for line in buffer.take()]

    def status(self) -> int:
        """How it ended; negative for a signal."""
        return self.process.wait(WAIT_S)

    def close(self) -> None:
        self.channel.close()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._output)


StartBootstrap = Callable[..., Bootstrap]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartBootstrap]:
    """`start(source, handler=..., python=..., files=..., **variables)`: a bootstrap for that `app.py`."""
    started: list[Bootstrap] = []

    def begin(
        source: str = "",
        handler: str = "app.handler",
        python: str = sys.executable,
        files: dict[str, str] | None = None,
        **variables: str,
    ) -> Bootstrap:
        for name, text in {"app.py": source, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        started.append(Bootstrap(tmp_path, handler, python, variables))
        return started[-1]

    yield begin
    for bootstrap in started:
        bootstrap.close()
