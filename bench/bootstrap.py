"""How much the Python bootstrap costs per invocation: ping-pong with a real bootstrap process.

A child interpreter runs `bootstrap.run` over a socket pair with an echo handler; this process
sends INVOKE frames by blocking send and receive, and reads the child's CPU time from /proc.

    .venv/bin/python bench/bootstrap.py [--python PATH] [--invocations N] [--same-trace]
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from command import how_many, parser, run
from functions import ECHO
from lambent.environment import frames

RUNTIME = Path(frames.__file__).parents[1] / "runtimes" / "python"
LAUNCH = """import sys
sys.path.insert(0, sys.argv[1])
import bootstrap
bootstrap.run(int(sys.argv[2]), 'app.handler', 'on-demand')
"""


def start(python: str, task_root: str, output: int | None = None) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    fd = theirs.fileno()
    environment = {
        "LAMBDA_TASK_ROOT": task_root,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "PATH": os.environ["PATH"],
    }
    command = [python, "-I", "-S", "-c", LAUNCH, str(RUNTIME), str(fd)]
    process = subprocess.Popen(command, pass_fds=(fd,), env=environment, stdout=output, stderr=output)
    theirs.close()
    return process, ours


def cpu_s(pid: int) -> float:
    """Of a process with one thread, to the nanosecond."""
    fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(fields[0]) / 1e9


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--python", default=sys.executable)
    flags.add_argument("--invocations", type=how_many, default=20_000)
    flags.add_argument("--same-trace", action="store_true", help="send one trace header all the time")
    asked = flags.parse_args()
    with tempfile.TemporaryDirectory() as root:
        Path(root, "app.py").write_text(ECHO)
        process, channel = start(asked.python, root)
        reader = frames.FrameReader()
        ready = reader.feed(channel.recv(65536))[0]
        ping_pong(channel, reader, 500, asked.same_trace)  # warms up
        before_s, started_s = cpu_s(process.pid), time.perf_counter()
        round_trips_s = ping_pong(channel, reader, asked.invocations, asked.same_trace)
        elapsed_s, used_s = time.perf_counter() - started_s, cpu_s(process.pid) - before_s
        channel.close()
        process.wait()
    print(
        json.dumps(
            {
                "python": asked.python,
                "init_us": int(ready.fields[0]),
                "invocations_per_s": round(asked.invocations / elapsed_s),
                "round_trip_p50_us": round(statistics.median(round_trips_s) * 1e6, 1),
                "bootstrap_cpu_us": round(used_s / asked.invocations * 1e6, 1),
            }
        )
    )


def ping_pong(channel: socket.socket, reader: frames.FrameReader, count: int, same_trace: bool) -> list[float]:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:echo"
    times_s = []
    for number in range(count):
        request_id = f"00000000-0000-4000-8000-{number:012d}"
        trace = f"Root=1-5759e988-{0 if same_trace else number:024x};Parent=53995c3f42cd8ad8;Sampled=0"
        frame = frames.encode(frames.INVOKE, [request_id, "1999999999999", arn, trace, ""], b'{"a": 1}')
        begun_s = time.perf_counter()
        channel.send(frame)
        (answer,) = reader.feed(channel.recv(65536))
        times_s.append(time.perf_counter() - begun_s)
        assert answer.payload == b'{"ok": 1}', answer
    return times_s


if __name__ == "__main__":
    run(main)
